"""Converted towers on the disk: written aside and renamed, checked when they are read, made again where they are damaged."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openvino as ov

log = logging.getLogger("lychee.encoder")
MANIFEST = "manifest.json"
TOWERS = ("pictures", "texts")


@dataclass(frozen=True, slots=True)
class Converted:
    """Both towers' graphs and what was found when they were made."""

    graphs: Mapping[str, ov.Model]
    facts: Mapping[str, Any]


class Conversions:
    """A folder of conversions, one folder each, named by all that they depend on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str, make: Callable[[], Converted]) -> Converted:
        """The conversion of that name; made, and kept, where there is none that is whole."""
        path = self._folder / key
        found = self._read(path)
        if found is not None:
            return found
        made = make()
        try:
            self._keep(path, made)
        except OSError as error:
            # It works all the same; only the next start takes as long as this one.
            log.warning("the converted model can't be kept in %s: %s", path, error)
        # From the disk, as at every later start: the same numbers, and less memory.
        return self._read(path) or made

    def _read(self, path: Path) -> Converted | None:
        if not path.is_dir():
            return None
        try:
            manifest = json.loads((path / MANIFEST).read_text("utf-8"))
            if any(_digest(path / name) != digest for name, digest in manifest["files"].items()):
                raise ValueError("a file is not the one that was written")
            graphs = {tower: ov.Core().read_model(path / f"{tower}.xml") for tower in TOWERS}
            return Converted(graphs, manifest["facts"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
            log.warning("the converted model in %s is made again: %s", path, error)
            shutil.rmtree(path, ignore_errors=True)
            return None

    def _keep(self, path: Path, made: Converted) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(dir=self._folder, prefix=".new-"))
        try:
            for tower in TOWERS:
                # bfloat16 loses nothing by half floats on the disk; int8's scales might.
                is_short = made.facts[tower] == "bfloat16"
                ov.save_model(made.graphs[tower], aside / f"{tower}.xml", compress_to_fp16=is_short)
            files = {each.name: _digest(each) for each in sorted(aside.iterdir())}
            (aside / MANIFEST).write_text(json.dumps({"files": files, "facts": dict(made.facts)}), "utf-8")
            for each in aside.iterdir():
                _flush(each)
            # A folder that another process has put there meanwhile is as good: the rename fails, and it stays.
            if not path.exists():
                aside.rename(path)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
