"""Runs a program for as long as standard input stays open: what is started through it ends with its starter.

A starter that is killed can't stop anything any more, but the system closes its end of the pipe.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

PATIENCE_SECONDS = 5.0
LAST_WORDS_SECONDS = 1.0


def keep(command: list[str]) -> int:
    """Runs the program; answers its exit code."""
    # Not ignored but handled: the program itself must still hear Ctrl-C.
    signal.signal(signal.SIGINT, lambda *_: None)
    # Its input is a pipe that nobody writes to, for some programs end when their input does. Its output goes through
    # our hands: what the program itself had started may hold it open, but not ours.
    program = subprocess.Popen(  # noqa: S603 the user named the program
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    signal.signal(signal.SIGTERM, lambda *_: program.terminate())
    threading.Thread(target=_end_with_input, args=(program,), daemon=True).start()
    passing_on = threading.Thread(target=_pass_on, args=(program,), daemon=True)
    passing_on.start()
    code = program.wait()
    passing_on.join(LAST_WORDS_SECONDS)
    return code


def _pass_on(program: subprocess.Popen[bytes]) -> None:
    output = program.stdout
    while output is not None and (words := os.read(output.fileno(), 1 << 16)):
        os.write(sys.stdout.fileno(), words)


def _end_with_input(program: subprocess.Popen[bytes]) -> None:
    sys.stdin.buffer.read()
    program.terminate()
    try:
        program.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        program.kill()


if __name__ == "__main__":
    sys.exit(keep(sys.argv[1:]))
