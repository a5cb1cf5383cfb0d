"""Which encoder a catalog is searched by: what the settings say, until the catalog is switched to one of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.settings import EncoderName, Settings


@dataclass(frozen=True, slots=True)
class EncoderChoice:
    """An encoder by name, with the model and the weights where it has several."""

    name: EncoderName
    model: str | None = None
    pretrained: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> EncoderChoice:
        """What the settings choose; files by their whole paths, for a server may run elsewhere."""
        if settings.encoder_name == "lite":
            return cls("lite")
        model, pretrained = settings.open_clip_model, settings.open_clip_pretrained
        return cls(settings.encoder_name, _placed(model), _placed(pretrained))

    def within(self, settings: Settings) -> Settings:
        """The settings, with this encoder in the place of theirs."""
        if self.name == "lite":
            return settings.model_copy(update={"encoder": self.name})
        chosen = {"open_clip_model": self.model, "open_clip_pretrained": self.pretrained}
        return settings.model_copy(update={"encoder": self.name, **chosen})

    def __str__(self) -> str:
        return " ".join(part for part in (self.name, self.model, self.pretrained) if part)


def _placed(name: str | None) -> str | None:
    return str(Path(name).resolve()) if name and Path(name).exists() else name


@dataclass(frozen=True, slots=True)
class EncodersOfCatalog:
    """The encoders that a catalog is, was, and can be searched by."""

    choice: EncoderChoice | None
    """The one in force; None for what the settings say."""
    fingerprint: str | None
    """Of the encoder that all contents have a vector of, as far as they can be read; None where that isn't known."""
    before: EncoderChoice | None = None
    """The one before the last switch."""
    before_fingerprint: str | None = None
