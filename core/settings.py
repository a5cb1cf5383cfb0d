"""One frozen Settings, read from LYCHEE_* (or .env) once, at the two roots: the command and the server."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

EncoderName = Literal["lite", "open_clip"]
RerankerName = Literal["lite", "lychee", "remote", "none"]
LogFormat = Literal["text", "json"]

JUDGED_PIXELS = 400 * 28 * 28
"""560 x 560: a prompt of the lychee judge is mostly picture, and so is its cost.

A third of what the checkpoint's own runner allows; what finer detail would add to its scores was not measured.
"""

RATE = r"^[1-9]\d{0,8}/(second|minute|hour|day)$"
"""Units of work in a while."""
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-f:]+\](:\d{1,5})?")


def _origins(value: object) -> object:
    """A text with commas as a list; each must be what a browser calls an origin."""
    listed = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
    for each in listed if isinstance(listed, list | tuple) else ():
        check_origin(each)
    return listed


def check_origin(origin: str) -> str:
    """The origin itself; ValueError for what no browser sends as one."""
    if not _ORIGIN.fullmatch(origin):
        raise ValueError(f"{origin!r} is no origin like https://shop.example: scheme and host, no path")
    return origin


ANY_HOST = "*"
_HOST = re.compile(
    r"(\*\.)?([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?|\*", re.IGNORECASE
)


def _hosts(value: object) -> object:
    """A text with commas as a list; each must be the name of a host, or of all below one."""
    listed = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
    for each in listed if isinstance(listed, list | tuple) else ():
        if not _HOST.fullmatch(each):
            raise ValueError(
                f"{each!r} is no name like shop.example or *.shop.example, without scheme and port"
            )
    return listed


Hosts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_hosts)]
Origins = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_origins)]


class Settings(BaseSettings):
    """Every setting; the environment variable is the name in capitals behind LYCHEE_."""

    model_config = SettingsConfigDict(
        env_prefix="LYCHEE_",
        env_file=".env",
        # Editors on Windows begin a file with a mark, which would become part of the first name.
        env_file_encoding="utf-8-sig",
        extra="ignore",
        frozen=True,
        env_ignore_empty=True,
    )

    data: Path = Field(Path("lychee-data"), description="folder of the catalog, pictures and indexes")
    database_url: str | None = Field(None, description="SQLAlchemy URL; default: SQLite in the data folder")
    encoder: EncoderName | None = Field(None, description="lite or open_clip; default: what the profile says")
    profile: Literal["lite", "clip", "lychee", "remote"] = Field(
        "lite", description="sets encoder and reranker"
    )
    open_clip_model: str = Field(
        "hf-hub:timm/ViT-B-32-SigLIP2-256",
        min_length=1,
        description="open_clip encoder: a model name, hf-hub:org/name, or a folder or checkpoint file",
    )
    open_clip_pretrained: str | None = Field(
        None,
        description="open_clip encoder: weights of a model name: a tag, hf-hub:org/name, a folder or checkpoint file",
    )
    reranker: RerankerName | None = Field(
        None, description="lite, lychee, remote or none; default: what the profile says"
    )
    reranker_model: str = Field(
        "vec-ai/lychee-rerank-mm",
        description="hub name or folder of the lychee judge's checkpoint; the model that a remote judge is asked for",
    )
    reranker_url: str | None = Field(None, description="remote judge: address of its rerank route")
    reranker_key: SecretStr | None = Field(None, description="remote judge: bearer key")
    reranker_pixels: int = Field(
        JUDGED_PIXELS,
        ge=3_136,
        le=12_845_056,
        description="lychee judge: pixels of a picture that it looks at; larger ones are made smaller",
    )
    rerank_depth: int = Field(50, ge=1, le=1_000, description="candidates that a search has judged")
    rerank_budget_ms: int = Field(
        1_500, ge=1, le=600_000, description="milliseconds that judging a search may take"
    )
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="auto, cpu, cuda or cuda:N")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto",
        description="numbers of the lychee judge and the open_clip encoder: auto, float32, bfloat16 or float16",
    )
    quantize: Literal["none", "8bit", "4bit"] = Field(
        "none", description="lychee judge: language layers in none, 8bit or 4bit"
    )
    admin_key: SecretStr | None = Field(
        None, min_length=16, description="key that may write over HTTP; see also `lychee keys`"
    )
    search_keys_required: bool = Field(False, description="whether searching needs a key of `lychee keys`")
    cors_origins: Origins | None = Field(
        None, description="sites whose pages may ask, like https://shop.example, between commas"
    )
    rate_limit: str | None = Field(
        None, pattern=RATE, description="units of work each visitor may ask for, like 6000/minute"
    )
    rate_store: str = Field(
        "memory://",
        pattern=r"^(memory://|rediss?://.+)$",
        description="where that is counted: memory:// for each process, redis://host:6379 for all",
    )
    at_once: int | None = Field(
        None,
        ge=1,
        le=1_000,
        description="searches at once in a process, and judgings; default: 1, the cores for a lychee or remote judge",
    )
    queue: int = Field(16, ge=0, le=10_000, description="searches and judgings that wait for their turn")
    queue_ms: int = Field(1_000, ge=1, le=60_000, description="milliseconds that they wait at most")
    request_seconds: float = Field(
        60.0,
        gt=0,
        le=3_600,
        description="seconds after which a search or judging without an answer is given up",
    )
    allowed_hosts: Hosts | None = Field(
        None,
        description="names that the server may be asked by, like shop.example, between commas; * for any; "
        "default: this machine's own where it listens on loopback, else any",
    )
    host: str = Field("127.0.0.1", description="address that `lychee load` listens on")
    port: int = Field(7860, ge=1, le=65535, description="port that `lychee load` listens on")
    log_format: LogFormat = Field("text", description="a server's log: text or json, a document a line")
    log_queries: bool = Field(False, description="whether a server's log has the words of searches")

    @property
    def encoder_name(self) -> EncoderName:
        """The encoder in force: its own setting, else the profile's."""
        if self.encoder is not None:
            return self.encoder
        return "lite" if self.profile == "lite" else "open_clip"

    @property
    def reranker_name(self) -> RerankerName:
        """The reranker in force: its own setting, else the profile's."""
        if self.reranker is not None:
            return self.reranker
        return "lite" if self.profile == "clip" else self.profile

    @property
    def url(self) -> str:
        """The database in force."""
        return self.database_url or f"sqlite:///{self.data / 'catalog.db'}"
