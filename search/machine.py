"""What `lychee doctor` finds out about the machine: folder, disk, memory, port, card, and the judge that is asked."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

from core.errors import LycheeError
from core.setting_checks import device_problem, folder_problem
from core.settings import Settings
from core.trace_settings import traces_are_wanted, why_no_traces
from rerank.judgement import Asked, Document
from search.checking import Finding

LEAST_FREE_BYTES = 2 << 30
"""An ingest, a published index and the database's log need room beside what is there."""
LEAST_MEMORY_BYTES = 1 << 30
"""The lite models and a small catalog take 600 MB."""
_MEMINFO = Path("/proc/meminfo")


def check_machine(settings: Settings) -> list[Finding]:
    """One finding a thing that was looked at, with what to do where it is not as it should be."""
    looked_at = [*check_folder(settings.data), check_memory(), check_port(settings), *check_card(settings)]
    return [*looked_at, *check_traces(os.environ)]


def check_folder(data: Path) -> Iterator[Finding]:
    """Whether the data folder, or the one that it would be made in, can be written to, and has room."""
    if (problem := folder_problem(data)) is not None:
        yield Finding("data folder", f"{problem} by LYCHEE_DATA or --data", sound=False)
        return
    there = data if data.exists() else next(folder for folder in data.absolute().parents if folder.exists())
    yield Finding("data folder", f"{data.absolute()} can be written to")
    yield enough("disk", shutil.disk_usage(there).free, LEAST_FREE_BYTES, "free some, or move LYCHEE_DATA")


def check_memory() -> Finding:
    """Whether there is memory for the smallest models."""
    try:
        lines = _MEMINFO.read_text().splitlines()
        available = next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return Finding("memory", "this system does not say how much is free")
    return enough("memory", available, LEAST_MEMORY_BYTES, "end other programs, or take a larger machine")


def enough(what: str, free: int, least: int, mend: str) -> Finding:
    """How much is free, and what to do where that is too little; in bytes."""
    detail = f"{free / (1 << 30):,.1f} GB free"
    if free >= least:
        return Finding(what, detail)
    return Finding(what, f"{detail}, less than {least >> 30} GB; {mend}", sound=False)


def check_port(settings: Settings) -> Finding:
    """Whether `lychee load` could listen; a server of ours that does already is as well."""
    host, port = settings.host, settings.port
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            reason = error.strerror or str(error)
        else:
            return Finding("port", f"{host}:{port} is free")
    if _is_ours(host, port):
        return Finding("port", f"a lychee server answers on {host}:{port}")
    mend = "end what listens there, or choose another by LYCHEE_PORT or LYCHEE_HOST"
    return Finding("port", f"{host}:{port}: {reason}; {mend}", sound=False)


def check_card(settings: Settings) -> Iterator[Finding]:
    """Whether a card that the settings ask for is there for the models."""
    if not settings.device.startswith("cuda"):
        return
    if (problem := device_problem(settings)) is not None:
        yield Finding("card", f"LYCHEE_DEVICE={settings.device}: {problem}", sound=False)
    elif find_spec("torch") is None:
        mend = "pip install 'lychee-search[clip]', or set LYCHEE_DEVICE=auto"
        yield Finding("card", f"LYCHEE_DEVICE={settings.device} needs torch; {mend}", sound=False)
    else:
        try:
            from core.devices import device_of  # heavy: loads torch

            yield Finding("card", str(device_of(settings.device)))
        except LycheeError as error:
            yield Finding("card", str(error), sound=False)


def check_traces(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Whether traces that OpenTelemetry's variables ask for can be exported."""
    if traces_are_wanted(environment):
        missing = why_no_traces(environment)
        yield Finding("traces", missing or "are exported", sound=missing is None)


def check_judge(settings: Settings) -> Finding:
    """Whether the judge is there: a remote one is asked once, the files of a local one are looked for."""
    match settings.reranker_name:
        case "remote":
            return _asked(settings)
        case "lychee" if missing := [name for name in ("torch", "transformers") if find_spec(name) is None]:
            mend = "pip install 'lychee-search[lychee]', or set LYCHEE_RERANKER=lite"
            return Finding("judge", f"lychee needs {' and '.join(missing)}; {mend}", sound=False)
        case "lychee" if _is_path(settings.reranker_model) and not Path(settings.reranker_model).is_dir():
            mend = "name its folder or a hub name by LYCHEE_RERANKER_MODEL"
            return Finding("judge", f"there is no folder {settings.reranker_model}; {mend}", sound=False)
        case "lychee":
            return Finding(
                "judge", "lychee, which each of several workers would load: use one, or ask a remote judge"
            )
        case name:
            return Finding("judge", name)


def _asked(settings: Settings) -> Finding:
    from rerank.remote import RemoteReranker  # its HTTP client is needed by nobody else

    try:
        with closing(RemoteReranker.of(settings)) as judge:
            judge.score(Asked("red shoe"), [Document("a red shoe")])
    except LycheeError as error:
        mend = (
            "see LYCHEE_RERANKER_URL and LYCHEE_RERANKER_KEY; until it answers, searches keep recall's order"
        )
        return Finding("judge", f"{error}; {mend}", sound=False)
    return Finding("judge", f"{judge.model} answers")


def _is_path(name: str) -> bool:
    return name.startswith((".", "/", "~"))


def _is_ours(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().read(100) == b'{"status":"alive"}'
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
