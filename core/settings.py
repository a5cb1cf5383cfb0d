"""One frozen Settings, read from LYCHEE_* (or .env) once, at the two roots: the command and the server."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

EncoderName = Literal["lite", "open_clip"]


class Settings(BaseSettings):
    """Every setting; the environment variable is the name in capitals behind LYCHEE_."""

    model_config = SettingsConfigDict(
        env_prefix="LYCHEE_", env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True
    )

    data: Path = Field(Path("lychee-data"), description="folder of the catalog, pictures and indexes")
    database_url: str | None = Field(None, description="SQLAlchemy URL; default: SQLite in the data folder")
    encoder: EncoderName | None = Field(None, description="lite or open_clip; default: what the profile says")
    profile: Literal["lite", "clip", "lychee", "remote"] = Field(
        "lite", description="sets encoder and reranker"
    )
    host: str = Field("127.0.0.1", description="address that `lychee load` listens on")
    port: int = Field(7860, ge=1, le=65535, description="port that `lychee load` listens on")

    @property
    def encoder_name(self) -> EncoderName:
        """The encoder in force: its own setting, else the profile's."""
        if self.encoder is not None:
            return self.encoder
        return "lite" if self.profile == "lite" else "open_clip"

    @property
    def url(self) -> str:
        """The database in force."""
        return self.database_url or f"sqlite:///{self.data / 'catalog.db'}"
