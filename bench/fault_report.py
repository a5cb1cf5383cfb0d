"""How faults are printed: a table of what was tried, what shoppers saw, and how it healed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bench.fault_asking import HANG, NO_CONNECTION, Asked
from bench.fault_load import Observed
from bench.fault_stage import Fault

COLUMNS = (
    "phase",
    "200",
    "of these degraded",
    "wrong",
    "429",
    "503",
    "other 5xx",
    "no connection",
    "hung",
    "slowest",
)


def figures(fault: Fault, observed: Observed) -> dict[str, object]:
    """For `--json`."""
    return {
        "tried": fault.tried,
        "phases": {
            name: dict(zip(COLUMNS[1:], _row(asked), strict=True)) for name, asked in observed.phases.items()
        },
        "healed_seconds": observed.healed_seconds,
        "said": {name: _said(asked) for name, asked in observed.phases.items()},
        "readyz": {name: dict(said.most_common(5)) for name, said in observed.ready.items()},
        "notes": observed.notes,
    }


def markdown(fault: Fault, observed: Observed) -> str:
    """One section."""
    healed = observed.healed_seconds
    lines = [f"### {fault.name}", "", f"{fault.tried}.", "", _line(COLUMNS), _line(["---"] * len(COLUMNS))]
    lines += [_line((name, *_row(asked))) for name, asked in observed.phases.items()]
    lines += [
        "",
        "Healed: "
        + ("NOT within two minutes." if healed is None else f"{healed:.1f} s after the fault's end."),
    ]
    for name, asked in observed.phases.items():
        lines += [f"- {name}, said to shoppers: {count} × {said}" for said, count in _said(asked).items()]
    for name, ready in observed.ready.items():
        lines.append(
            f"- {name}, /readyz: "
            + "; ".join(f"{count} × {said[:160]}" for said, count in ready.most_common(4))
        )
    lines += [f"- {note}" for note in observed.notes]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _row(asked: Sequence[Asked]) -> list[str]:
    counts = Counter(each.outcome for each in asked)
    known = {"200", "429", "503", NO_CONNECTION, HANG}
    return [
        str(counts["200"]),
        str(sum(each.degraded for each in asked)),
        str(sum(not each.right for each in asked)),
        str(counts["429"]),
        str(counts["503"]),
        str(sum(count for outcome, count in counts.items() if outcome not in known)),
        str(counts[NO_CONNECTION]),
        str(counts[HANG]),
        f"{max((each.ended - each.began for each in asked), default=0.0):.1f} s",
    ]


def _said(asked: Sequence[Asked]) -> dict[str, int]:
    """The commonest sentences, shortened."""
    said = Counter(f"{each.outcome}: {each.reason[:200]}" for each in asked if each.reason)
    return dict(said.most_common(5))
