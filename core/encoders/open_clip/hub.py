"""Files of the model hub: what is on this machine already is taken from there, so that no network is asked twice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import hf_hub_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)

from core.errors import EncoderProblem

HUB = "hf-hub:"


def unreachable(name: str, setting: str) -> EncoderProblem:
    """What to do where the hub doesn't answer."""
    return EncoderProblem(
        name,
        f"it is not on this machine and the hub can't be reached; set {setting} to a folder or a checkpoint file",
    )


def hub_file(name: str, repository: str, files: Sequence[str], setting: str) -> Path:
    """The first of the files that the repository has. Raises EncoderProblem about the model `name`.

    A file once fetched is not looked for again: the same setting means the same weights until the cache is emptied.
    """
    try:
        return _cached(repository, files) or _fetched(repository, files)
    except HFValidationError as error:
        raise EncoderProblem(name, "that is no name of the hub's: hf-hub:organisation/model") from error
    except GatedRepoError as error:
        raise EncoderProblem(name, "the hub asks for access first; log in with `hf auth login`") from error
    except RepositoryNotFoundError as error:
        raise EncoderProblem(name, "the hub has no model of that name") from error
    # What is missing here and can't be fetched is a LocalEntryNotFoundError, which the library also counts as missing.
    except LocalEntryNotFoundError as error:
        raise unreachable(name, setting) from error
    except EntryNotFoundError as error:
        raise EncoderProblem(name, f"its repository has no {', no '.join(files)}") from error
    except OSError as error:
        raise unreachable(name, setting) from error


def _cached(repository: str, files: Sequence[str]) -> Path | None:
    for file in files:
        try:
            return Path(hf_hub_download(repository, file, local_files_only=True))
        except LocalEntryNotFoundError:
            continue
    return None


def _fetched(repository: str, files: Sequence[str]) -> Path:
    for file in files[:-1]:
        try:
            return Path(hf_hub_download(repository, file))
        except LocalEntryNotFoundError:
            raise
        except EntryNotFoundError:
            continue
    return Path(hf_hub_download(repository, files[-1]))
