"""Runs a program for as long as standard input stays open: what is started through it ends with its starter.

A starter that is killed can't stop anything any more, but the system closes its end of the pipe.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

PATIENCE_SECONDS = 5.0


def keep(command: list[str]) -> int:
    """Runs the program; answers its exit code."""
    # Not ignored but handled: the program itself must still hear Ctrl-C.
    signal.signal(signal.SIGINT, lambda *_: None)
    # A pipe that nobody writes to: some programs end when their input does.
    program = subprocess.Popen(command, stdin=subprocess.PIPE)  # noqa: S603 the user named the program
    signal.signal(signal.SIGTERM, lambda *_: program.terminate())
    threading.Thread(target=_end_with_input, args=(program,), daemon=True).start()
    return program.wait()


def _end_with_input(program: subprocess.Popen[bytes]) -> None:
    sys.stdin.buffer.read()
    program.terminate()
    try:
        program.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        program.kill()


if __name__ == "__main__":
    sys.exit(keep(sys.argv[1:]))
