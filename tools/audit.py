"""Asks what is known against the packages that the lock files name: advisories, and releases that were withdrawn.

    make audit

Exits with 0 where every package was asked about and nothing is known, with 1 where something is, and with 2 where
some package could not be asked about: without an answer nothing is said to be clean.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock")
SECONDS = 900


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking about many packages."""

    known: tuple[str, ...] = ()
    """A line for everything that is known against one."""
    unasked: tuple[str, ...] = ()
    """What nobody could say anything about, and why."""

    @property
    def code(self) -> int:
        """What the command exits with."""
        return 1 if self.known else 2 if self.unasked else 0


def main() -> int:
    """Asks about every lock file, and tells."""
    answers = [each for lock in LOCKS for each in (advisories(ROOT / lock), withdrawn(ROOT / lock))]
    known = dict.fromkeys(line for answer in answers for line in answer.known)
    unasked = dict.fromkeys(line for answer in answers for line in answer.unasked)
    for line in (*known, *(f"not asked: {line}" for line in unasked)):
        print(line)
    together = Answer(tuple(known), tuple(unasked))
    told = {0: "nothing is known against any locked package", 1: f"known: {len(known)}"}
    print(told.get(together.code, "NOT CLEAN, NOT KNOWN: no advisory source answered for the packages above"))
    return together.code


def advisories(lock: Path) -> Answer:
    """What pip-audit's source says; it calls a list clean whose packages its source doesn't know, and we don't."""
    command = [
        "pip_audit", "--requirement", str(lock), "--no-deps", "--disable-pip", "--format", "json",
        "--progress-spinner", "off",
    ]  # fmt: skip
    document = _document(command)
    if document is None:
        return Answer(unasked=(f"advisories for {lock.name}: no source could be reached",))
    return weighed(document["dependencies"])


def weighed(dependencies: Iterable[Mapping[str, Any]]) -> Answer:
    """What pip-audit's document says of each package."""
    known, unasked = [], []
    for each in dependencies:
        if "skip_reason" in each:
            unasked.append(f"{each['name']}: {each['skip_reason']}")
        for advisory in each.get("vulns", ()):
            mended = ", ".join(advisory["fix_versions"]) or "no release yet"
            known.append(f"{each['name']} {each['version']}: {advisory['id']}, mended in {mended}")
    return Answer(tuple(known), tuple(unasked))


def withdrawn(lock: Path) -> Answer:
    """Which releases the registry has withdrawn since they were locked."""
    command = [
        "pip",
        "install",
        "--dry-run",
        "--ignore-installed",
        "--no-deps",
        "--quiet",
        "--report",
        "-",
        "-r",
    ]
    document = _document([*command, str(lock)])
    if document is None:
        return Answer(unasked=(f"withdrawn releases of {lock.name}: the registry could not be asked",))
    gone = [each["metadata"] for each in document["install"] if each.get("is_yanked")]
    return Answer(known=tuple(f"{each['name']} {each['version']}: withdrawn" for each in gone))


def _document(command: Sequence[str]) -> dict[str, Any] | None:
    """What a module's command says as JSON; None where it says nothing of the kind."""
    asked = [sys.executable, "-m", *command]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, timeout=SECONDS, check=False)
        found = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        return None
    return found if isinstance(found, dict) else None


if __name__ == "__main__":
    sys.exit(main())
