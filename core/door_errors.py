"""What the doors of a server refuse, by name: who isn't known, what isn't allowed, and what is too much."""

from __future__ import annotations

from core.errors import LycheeError


class WritingOff(LycheeError):
    """Something is to be written over HTTP, and nobody was given the right to."""

    def __init__(self) -> None:
        super().__init__(
            "writing over HTTP is off: set LYCHEE_ADMIN_KEY, or make a key with `lychee keys create`, "
            "and send it as Authorization: Bearer KEY"
        )


class KeyWanted(LycheeError):
    """A key has to be sent along, and none was."""

    def __init__(self) -> None:
        super().__init__("this needs a key: send it as Authorization: Bearer KEY, or as X-API-Key: KEY")


class UnknownKey(LycheeError):
    """The key that was sent is none of ours."""

    def __init__(self) -> None:
        super().__init__("that key is not known here, or was revoked")


class ForbiddenToKey(LycheeError):
    """The key is one of ours, but not for this."""

    def __init__(self, what: str) -> None:
        super().__init__(f"that key is not for {what}")
        self.what = what


class NoSuchKey(LycheeError):
    """There is no key of that id to revoke or rotate."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"no key in force has the id {key_id!r}; `lychee keys list` shows them")
        self.key_id = key_id


class UnsafeKeyring(LycheeError):
    """The file of keys can't be read as one."""

    exit_code = 1

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"the keys in {path} can't be read: {reason}; restore the file, or remove it")
        self.path, self.reason = path, reason


class RefusedProduct(LycheeError):
    """A product that was sent alone can't be kept."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the product is refused: {reason}")
        self.reason = reason


class TooMuchWork(LycheeError):
    """A visitor asks for more work than is allowed in a while."""

    def __init__(self, rate: str, units: int, seconds: int) -> None:
        super().__init__(
            f"this asks for {units:,} units of work, and {rate} are allowed; try again in {seconds} seconds, "
            "or have fewer candidates or documents judged"
        )
        self.rate, self.units, self.seconds = rate, units, seconds


class ServerBusy(LycheeError):
    """The server has as much to do as it can do well."""

    exit_code = 1

    def __init__(self, seconds: int) -> None:
        super().__init__(f"the server is busy; try again in {seconds} seconds")
        self.seconds = seconds


class AnswerTooSlow(LycheeError):
    """A search or judging takes longer than one may."""

    exit_code = 1

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"there was no answer within {seconds:g} seconds; ask for less, or raise LYCHEE_REQUEST_SECONDS"
        )
        self.seconds = seconds


class TooManyWorkers(LycheeError):
    """More processes are to serve than would do any good."""

    def __init__(self, workers: int, most: int) -> None:
        super().__init__(
            f"--workers {workers} is too many for this machine's processors; give it {most} at most"
        )
        self.workers, self.most = workers, most


class CountedApart(LycheeError):
    """Several processes would each count what a visitor asks for by themselves."""

    def __init__(self, workers: int, rate: str) -> None:
        super().__init__(
            f"{rate} with --workers {workers} needs LYCHEE_RATE_STORE=redis://host:6379, where all of them count "
            "together; set it, or use one worker"
        )
        self.workers, self.rate = workers, rate


class WorkerFailed(LycheeError):
    """A process can't serve, and said why."""

    def __init__(self, reason: str, exit_code: int = 1) -> None:
        super().__init__(reason)
        self.reason, self.exit_code = reason, exit_code
