"""Everything we refuse, by name, each error carrying its facts; messages say what, which, and what to do next."""

from __future__ import annotations


class LycheeError(Exception):
    """Base of all errors that a user can mend."""

    exit_code = 2
    """What a command exits with: 2 for wrong use, 1 where it ran and failed."""


class InvalidQuery(LycheeError):
    """The query can't be answered as it stands."""


class InvalidFilter(InvalidQuery):
    """The filter expression can't be read."""

    def __init__(self, expression: str, position: int, reason: str) -> None:
        super().__init__(f"filter {expression!r} at character {position + 1}: {reason}")
        self.expression, self.position, self.reason = expression, position, reason


class UnreadableImage(LycheeError):
    """A picture can't be decoded, or is refused before it is."""

    def __init__(self, source: str, reason: str, *, code: str = "unreadable_image") -> None:
        super().__init__(f"cannot read {source}: {reason}")
        self.source, self.reason, self.code = source, reason, code


class ForgottenPicture(InvalidQuery):
    """A query picture was sent too long ago."""

    def __init__(self) -> None:
        super().__init__("that query picture is no longer kept; send it again")


class UnreadableFeed(LycheeError):
    """A feed as a whole can't be read."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"cannot read feed {source}: {reason}")
        self.source, self.reason = source, reason


class UnknownCatalog(LycheeError):
    """No catalog has that name."""

    def __init__(self, name: str, known: list[str]) -> None:
        known_text = ", ".join(known) if known else "none yet; run `lychee ingest FEED` first"
        super().__init__(f"unknown catalog {name!r} (known: {known_text})")
        self.name, self.known = name, known


class UnknownProduct(LycheeError):
    """The catalog has no product of that id."""

    def __init__(self, catalog: str, product_id: str) -> None:
        super().__init__(f"catalog {catalog!r} has no product {product_id!r}")
        self.catalog, self.product_id = catalog, product_id


class EncoderMismatch(LycheeError):
    """Vectors of one encoder met those of another."""

    exit_code = 1

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(
            f"the index was built with encoder {found}, this is {expected}; run `lychee index rebuild`"
        )
        self.expected, self.found = expected, found


class DamagedIndex(LycheeError):
    """An index file is not what its manifest says."""

    exit_code = 1

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"index {path} is damaged: {reason}; it is rebuilt from the catalog's rows")
        self.path, self.reason = path, reason


class DataFolderProblem(LycheeError):
    """The data folder can't be used."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"cannot use data folder {path}: {reason}")
        self.path, self.reason = path, reason


class MissingExtra(LycheeError):
    """A setting asks for a package that isn't installed."""

    def __init__(self, wanted: str, extra: str) -> None:
        super().__init__(
            f"{wanted} needs packages that are not installed: pip install 'lychee-search[{extra}]'"
        )
        self.wanted, self.extra = wanted, extra


class InvalidSetting(LycheeError):
    """A setting has a value that doesn't fit."""

    def __init__(self, name: str, value: str, reason: str) -> None:
        super().__init__(f"setting {name}={value!r}: {reason}")
        self.name, self.value, self.reason = name, value, reason


class NewerDatabase(LycheeError):
    """The database was migrated by a newer release."""

    def __init__(self, url: str, found: str, known: str) -> None:
        super().__init__(
            f"database {url} has schema {found}, this release knows up to {known}; install the newer release"
        )
        self.url, self.found, self.known = url, found, known


class InvalidVector(LycheeError):
    """A product's vector can't be searched."""

    def __init__(self, key: int, reason: str) -> None:
        super().__init__(f"the vector of product key {key} is refused: {reason}")
        self.key, self.reason = key, reason


class PortTaken(LycheeError):
    """Something else listens on the port."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(f"cannot listen on {host}:{port}: {reason}; choose another with --port")
        self.host, self.port, self.reason = host, port, reason


class ModelFileProblem(LycheeError):
    """A packaged model file is missing, damaged, or of another version."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"model file {path} is not the one expected: {reason}; reinstall lychee-search")
        self.path, self.reason = path, reason


class IngestRunning(LycheeError):
    """Another ingest writes to the catalog."""

    exit_code = 1

    def __init__(self, catalog: str) -> None:
        super().__init__(
            f"another ingest into catalog {catalog!r} is running, or its encoder is being switched; "
            "wait for it, or stop it"
        )
        self.catalog = catalog


class RebuildRunning(LycheeError):
    """Another rebuild works on the catalog."""

    exit_code = 1

    def __init__(self, catalog: str) -> None:
        super().__init__(f"another rebuild of catalog {catalog!r} is running; wait for it, or stop it")
        self.catalog = catalog


class EncoderSwitched(LycheeError):
    """A catalog is searched by another encoder than the one that was loaded for it."""

    exit_code = 1

    def __init__(self, catalog: str, chosen: str) -> None:
        super().__init__(f"catalog {catalog!r} was switched to encoder {chosen}; run the same command again")
        self.catalog, self.chosen = catalog, chosen


class EncoderProblem(LycheeError):
    """The encoder can't be loaded or can't encode: no weights, no hub, a checkpoint of another model, no memory."""

    exit_code = 1

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(f"encoder {model}: {reason}")
        self.model, self.reason = model, reason


class RerankerProblem(LycheeError):
    """The reranker can't judge: its model can't be loaded, its server doesn't answer, its memory is full."""

    exit_code = 1

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(f"reranker {model}: {reason}")
        self.model, self.reason = model, reason


class UnknownPreset(InvalidQuery):
    """No preset of the judge has that name."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"unknown preset {name!r} (known: {', '.join(known)})")
        self.name, self.known = name, known


class WeakPassword(LycheeError):
    """A password that is guessed too soon."""

    def __init__(self, shortest: int) -> None:
        super().__init__(
            f"the password is too short: give it {shortest} characters or more, or leave out --password"
        )
        self.shortest = shortest


class TooManyGuesses(LycheeError):
    """Wrong passwords or keys came too fast."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many wrong passwords or keys; try again in {seconds} seconds")
        self.seconds = seconds


class TunnelProblem(LycheeError):
    """The tunnel program is missing, ends, or names no address."""

    exit_code = 1

    def __init__(self, program: str, reason: str) -> None:
        super().__init__(f"cannot open a tunnel with {program}: {reason}")
        self.program, self.reason = program, reason


class NoReranker(LycheeError):
    """Something is to be judged, and no judge is set up."""

    def __init__(self) -> None:
        super().__init__("no judge is set up: set LYCHEE_RERANKER to lite, lychee or remote and start again")


class InvalidDocument(InvalidQuery):
    """What is to be judged can't be, as it was sent."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where, self.reason = where, reason
