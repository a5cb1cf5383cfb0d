"""Settings that are sound each by itself, held against one another and against the machine."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from core.catalog.address import address_problem
from core.errors import InvalidSetting
from core.setting_words import fitting, shown
from core.settings import Settings

CARD_DRIVERS = ("/proc/driver/nvidia", "/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
"""Where a card's driver shows itself: NVIDIA's, the one of Windows, AMD's."""
_HOST_NAME = re.compile(
    r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?"
)


def misfits(settings: Settings) -> Iterator[InvalidSetting]:
    """What doesn't fit, a sentence each, none of it twice."""
    checks: dict[str, Callable[[Settings], str | None]] = {
        "data": lambda given: folder_problem(given.data),
        "database_url": _database,
        "reranker_url": _judge_address,
        "reranker_key": lambda given: _unsendable(given, "reranker_key"),
        "admin_key": lambda given: _unsendable(given, "admin_key"),
        "rate_store": _store,
        "device": device_problem,
        "host": lambda given: host_problem(given.host),
    }
    for name, problem in checks.items():
        if (reason := problem(settings)) is not None:
            value = getattr(settings, name)
            written = "" if value is None else shown(name, value)
            yield InvalidSetting(f"LYCHEE_{name.upper()}", written, reason)


def folder_problem(data: Path) -> str | None:
    """Why the data folder, or the one that it would be made in, can't be written to; None where it can."""
    try:
        there = data if data.exists() else next(each for each in data.absolute().parents if each.exists())
        if not there.is_dir():
            return f"{there} is a file; name a folder"
    except (OSError, ValueError) as error:
        return f"{error}; it takes {fitting('data')}"
    if os.access(there, os.W_OK | os.X_OK) and not _is_of_kernel(there):
        return None
    return f"{there} can't be written to; give it to the user that runs this, or name another folder"


def _is_of_kernel(folder: Path) -> bool:
    """Where nobody makes a folder, whatever its permissions say."""
    return folder.absolute().parts[:2] in (("/", "proc"), ("/", "sys"))


def _database(settings: Settings) -> str | None:
    return None if settings.database_url is None else address_problem(settings.database_url)


def _judge_address(settings: Settings) -> str | None:
    if settings.reranker_url is None:
        missing = f"LYCHEE_RERANKER=remote needs {fitting('reranker_url')}"
        return missing if settings.reranker_name == "remote" else None
    return None if is_web_address(settings.reranker_url) else f"it takes {fitting('reranker_url')}"


def is_web_address(url: str) -> bool:
    """Whether something could be asked there."""
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return sound and not re.search(r"\s", url)


def _unsendable(settings: Settings, name: str) -> str | None:
    key = getattr(settings, name)
    if key is None or re.fullmatch(r"[!-~]+", key.get_secret_value()):
        return None
    return f"it takes {fitting(name)}"


def _store(settings: Settings) -> str | None:
    if settings.rate_store == "memory://":
        return None
    try:
        has_host = bool(urlsplit(settings.rate_store).hostname) and urlsplit(settings.rate_store).port != 0
    except ValueError:
        has_host = False
    if not has_host:
        return f"it takes {fitting('rate_store')}"
    return (
        None
        if find_spec("redis")
        else "it needs a package that is missing: pip install 'lychee-search[redis]'"
    )


def device_problem(settings: Settings) -> str | None:
    """Why the card that is asked for can't be used; None where it can, or none is asked for."""
    if not settings.device.startswith("cuda"):
        return None
    if not any(Path(driver).exists() for driver in CARD_DRIVERS):
        return (
            "no NVIDIA driver is loaded; install it (in a container: NVIDIA's container toolkit), "
            "or set LYCHEE_DEVICE=auto"
        )
    extra = {"open_clip": "clip", "lychee": "lychee"}
    wanting = [extra[each] for each in (settings.encoder_name, settings.reranker_name) if each in extra]
    if wanting and find_spec("torch") is None:
        return f"it needs torch: pip install 'lychee-search[{','.join(wanting)}]', or set LYCHEE_DEVICE=auto"
    return None


def host_problem(host: str) -> str | None:
    """Why nobody can listen on an address of that name; None where one may."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if _HOST_NAME.fullmatch(host.lower()) and not re.fullmatch(r"[\d.]+", host):
            return None
        return f"it takes {fitting('host')}"
    return None
