"""Memory, processor time and open files of a server's processes: of all together, where there are several."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import ProcessCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

_STARTED, _MOST_FILES = "process_start_time_seconds", "process_max_fds"


class AllProcesses(Collector):
    """The figures of one process, summed over a server's: the one that asks, its parent, and its siblings."""

    def collect(self) -> Iterable[Metric]:
        """One sample a family; when it began and how many files are allowed is said of the first."""
        found: dict[str, list[Metric]] = defaultdict(list)
        for pid in _crew(os.getppid()):
            for family in _figures(pid):
                found[family.name].append(family)
        for name, families in found.items():
            values = [family.samples[0].value for family in families]
            whole = min(values) if name in (_STARTED, _MOST_FILES) else sum(values)
            sample = families[0].samples[0]
            families[0].samples = [sample._replace(value=whole)]
            yield families[0]


def _figures(pid: int) -> Iterable[Metric]:
    return ProcessCollector(pid=lambda: pid, registry=None).collect()


def _crew(parent: int) -> list[int]:
    try:
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    except OSError:  # a kernel without that list, or no Linux
        return [os.getpid()]
    return [parent, *map(int, children)]
