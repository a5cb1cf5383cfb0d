"""Looks for input that breaks something, for as long as it is told to.

    python -m bench.fuzz --what filters --seconds 600
    python -m bench.fuzz --what feeds --seed 7        the same examples again
    python -m bench.fuzz --what all --seconds 60      one after the other

Prints how many examples were tried, what was no documented error, the slowest input and the largest. A second or
500 MB for a small input is a finding. Exits with 1 where there is one.
"""

from __future__ import annotations

import argparse
import sys
from random import SystemRandom

from bench.fuzz.feeds import feed_targets
from bench.fuzz.pictures import picture_targets
from bench.fuzz.running import run
from bench.fuzz.served import api_target
from bench.fuzz.texts import text_targets


def main() -> int:
    """Runs what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    known = text_targets() | feed_targets() | picture_targets()
    parser.add_argument("--what", choices=[*known, "api", "all"], default="all")
    parser.add_argument("--database", help="URL of an empty database for --what api; SQLite unless given")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None)
    asked = parser.parse_args()
    first_seed = SystemRandom().randrange(1_000_000_000) if asked.seed is None else asked.seed
    clean = True
    for name in [*known, "api"] if asked.what == "all" else [asked.what]:
        target = known[name] if name != "api" else api_target(asked.database)
        found = run(target, seconds=asked.seconds, first_seed=first_seed)
        print("\n".join(found.lines()), flush=True)
        clean = clean and found.is_clean
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
