"""Faults of what stands beside a server: the Redis that counts, and the judge on another machine."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.fault_load import Load, Observed
from bench.fault_processes import ROOT, Server, free_port, redis, wait_for
from bench.fault_stage import Fault, Stage, report

COUNTING_AGAIN_SECONDS = 13.0
"""A store that was gone is asked again after ten."""


def _redis_gone(stage: Stage) -> Observed:
    folder, port = stage.folder("redis"), free_port()
    with (
        redis(folder, port) as first,
        stage.server(settings=_counted(port)) as server,
        stage.loaded(server) as load,
    ):
        first.kill()
        load.phase("gone", 12)
        with redis(folder, port):
            load.until_well()
            time.sleep(COUNTING_AGAIN_SECONDS)
            return report(load, server, _counts(port))


def _redis_frozen(stage: Stage) -> Observed:
    folder, port = stage.folder("redis"), free_port()
    with (
        redis(folder, port) as running,
        stage.server(settings=_counted(port)) as server,
        stage.loaded(server) as load,
    ):
        running.send_signal(signal.SIGSTOP)
        load.phase("frozen", 15)
        running.send_signal(signal.SIGCONT)
        load.until_well()
        time.sleep(COUNTING_AGAIN_SECONDS)
        return report(load, server, _counts(port))


def _counted(port: int) -> dict[str, str]:
    store = f"redis://127.0.0.1:{port}"
    return {"LYCHEE_RATE_LIMIT": "1000000/minute", "LYCHEE_RATE_STORE": store}


def _counts(port: int) -> str:
    asked = subprocess.run(
        ["redis-cli", "-p", str(port), "dbsize"], capture_output=True, text=True, check=False
    )
    return f"afterwards Redis has {asked.stdout.strip()} counts"


@contextmanager
def _judge(port: int, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "bench.fault_judge_server", str(port), *words]
    with subprocess.Popen(command, cwd=ROOT) as process:
        wait_for(port)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.kill()


@contextmanager
def _judged_afar(stage: Stage, port: int) -> Iterator[tuple[Server, Load]]:
    url = f"http://127.0.0.1:{port}/v1/rerank"
    settings = {"LYCHEE_RERANKER": "remote", "LYCHEE_RERANKER_URL": url, "LYCHEE_RERANK_BUDGET_MS": "1500"}
    with stage.server(settings=settings) as server, stage.loaded(server, fresh=True) as load:
        yield server, load


def _judge_killed(stage: Stage) -> Observed:
    port = free_port()
    with _judge(port) as judge, _judged_afar(stage, port) as (server, load):
        judge.kill()
        judge.wait()
        load.phase("killed", 12)
        with _judge(port):
            load.until_well()
            return report(load, server)


def _judge_frozen(stage: Stage) -> Observed:
    port = free_port()
    with _judge(port) as judge, _judged_afar(stage, port) as (server, load):
        judge.send_signal(signal.SIGSTOP)
        load.phase("frozen", 20)
        judge.send_signal(signal.SIGCONT)
        load.until_well()
        return report(load, server)


def _judge_garbage(stage: Stage) -> Observed:
    port = free_port()
    with _judge(port) as judge, _judged_afar(stage, port) as (server, load):
        judge.kill()
        judge.wait()
        with _judge(port, "garbage"):
            load.phase("garbage", 12)
        with _judge(port):
            load.until_well()
            return report(load, server)


FAULTS = [
    Fault("redis-gone", "Redis, which counts for the rate limits, killed for 12 s", _redis_gone),
    Fault("redis-frozen", "the same Redis frozen (SIGSTOP) for 15 s", _redis_frozen),
    Fault("judge-killed", "the remote judge's server killed (`kill -9`) for 12 s", _judge_killed),
    Fault("judge-frozen", "the remote judge's server frozen (SIGSTOP) for 20 s", _judge_frozen),
    Fault(
        "judge-garbage",
        "the remote judge's server answers HTML, words as scores and half of a JSON for 12 s",
        _judge_garbage,
    ),
]
