"""The folder of the model that the settings name. Nothing is ever fetched."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from qa_service.config import Settings
from qa_service.durable_files import sha256_of
from qa_service.encoder.embedded import (
    MODEL_NAME,
    OnProgress,
    embedded_model_folder,
    shipped_adapter,
)
from qa_service.encoder.token_layers import TokenLayers, read_token_layers
from qa_service.errors import ModelUnavailableError

EMBEDDED = "embedded"
_WEIGHT_FILES = ("*.safetensors", "pytorch_model*.bin")


@dataclass(frozen=True, slots=True)
class ModelSource:
    """A sentence-transformers folder on this machine and the name that people know it by."""

    name: str
    folder: Path

    def state(self) -> str:
        """Return a value that changes whenever a file of the folder does, without reading them."""
        listing = [
            (path.relative_to(self.folder).as_posix(), found.st_size, found.st_mtime_ns)
            for path in sorted(self.folder.rglob("*"))
            if (found := path.stat()) and path.is_file()
        ]
        return hashlib.sha256(repr((str(self.folder), listing)).encode()).hexdigest()

    def weights_sha256(self) -> str:
        """Return a checksum of the weights and of what decides how they are used."""
        digest = hashlib.sha256()
        for pattern in (*_WEIGHT_FILES, "config.json", "tokenizer.json"):
            for path in sorted(self.folder.rglob(pattern)):
                digest.update(
                    f"{path.relative_to(self.folder).as_posix()} {sha256_of(path)}\n".encode()
                )
        return digest.hexdigest()

    def token_layers(self) -> TokenLayers:
        """Return which layers make up a token's vector, none for the last.

        Raises:
            ModelUnavailableError: the folder's file about it cannot be understood.
        """
        return read_token_layers(self.folder)


def find_model(settings: Settings, on_progress: OnProgress | None = None) -> ModelSource:
    """Return where the model is, unpacking the embedded one first if need be.

    Raises:
        ModelUnavailableError: it is not on this machine.
    """
    if settings.model == EMBEDDED:
        adapter = shipped_adapter() if settings.adapter else None
        folder = embedded_model_folder(settings.cache, settings.model_wheel, on_progress, adapter)
        return ModelSource(MODEL_NAME, folder)
    folder = Path(settings.model).expanduser()
    if folder.is_dir():
        return _checked(settings.model, folder.resolve())
    return _checked(settings.model, _hub_folder(settings.model, settings.model_revision))


def _checked(name: str, folder: Path) -> ModelSource:
    if not (folder / "modules.json").is_file() and not (folder / "config.json").is_file():
        raise ModelUnavailableError(
            f"{folder} (setting QA_MODEL={name}) holds neither modules.json nor config.json, so it "
            f"is no sentence-transformers model. Name the folder that "
            f"SentenceTransformer.save() wrote, or set QA_MODEL={EMBEDDED}."
        )
    return ModelSource(name, folder)


def _hub_folder(name: str, revision: str | None) -> Path:
    """Return the snapshot that an earlier download left in the Hugging Face cache."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, revision=revision, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError) as error:
        at_revision = f" at revision {revision}" if revision else ""
        raise ModelUnavailableError(
            f"The model {name}{at_revision} (setting QA_MODEL) is neither a folder nor in the "
            f"cache {constants.HF_HUB_CACHE}, and qa-service never downloads models. Fetch it "
            f"first with: hf download {name}, or copy its folder here and set QA_MODEL to that "
            f"folder, or set QA_MODEL={EMBEDDED}."
        ) from error
