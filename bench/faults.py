"""Faults under load: what breaks while shoppers search, what they see of it, and how long until all is well again.

    python -m bench.faults                          every fault, some forty minutes
    python -m bench.faults --only redis disk        those whose names begin so
    python -m bench.faults --json                   one JSON document

Each fault has a server process of its own over the demo shop, eight shoppers who search by words, by picture and by
both, half of them judged, and one watcher of /readyz. Every answer is compared with the same search's answer before
the fault. PostgreSQL and Redis are started by the bench itself; the full disk needs root, the clock libfaketime.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

if not __package__:  # python bench/faults.py: a file of this folder must not stand for a package of its name
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench import fault_database, fault_files, fault_machine, fault_neighbours
from bench.fault_report import figures, markdown
from bench.fault_stage import Fault, Stage
from bench.table import print_json

FAULTS: list[Fault] = [
    *fault_database.FAULTS,
    *fault_neighbours.FAULTS,
    *fault_files.FAULTS,
    *fault_machine.FAULTS,
]


def main() -> None:
    """Plays the faults that the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", nargs="+", metavar="NAME", help="faults whose names begin so")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave data and logs there")
    asked = parser.parse_args()
    chosen = [each for each in FAULTS if not asked.only or each.name.startswith(tuple(asked.only))]
    if asked.keep is not None:
        asked.keep.mkdir(parents=True, exist_ok=True)
        play(chosen, asked.keep, as_json=asked.json)
        return
    with tempfile.TemporaryDirectory(prefix="lychee-faults-", ignore_cleanup_errors=True) as folder:
        play(chosen, Path(folder), as_json=asked.json)


def play(chosen: Sequence[Fault], folder: Path, *, as_json: bool) -> None:
    """One after the other; one that can't be played is said, and the others go on."""
    # A database server of its own user must be able to enter.
    folder.chmod(0o755)
    found: dict[str, object] = {}
    for fault in chosen:
        print(f"{fault.name} …", file=sys.stderr, flush=True)
        stage = Stage(folder)
        try:
            observed = fault.play(stage)
        except Exception:
            traceback.print_exc()
            found[fault.name] = "could not be played"
            continue
        found[fault.name] = figures(fault, observed)
        if not as_json:
            print(markdown(fault, observed), flush=True)
    if as_json:
        print_json(found)


if __name__ == "__main__":
    main()
