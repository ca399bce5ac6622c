"""What fields may hold, and the base of every request."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints

from qa_service.types import MAX_QUESTION_CHARACTERS

MAX_HISTORY = 20
MAX_ARTICLE_CHARACTERS = 20_000_000

# No text that people write holds NUL, and SQLite and C libraries stop at it.
_WITHOUT_NUL = r"^[^\x00]*$"
# The same, with something in it besides blanks.
SAYS_SOMETHING = r"^[^\x00]*[^\s\x00][^\x00]*$"

QuestionText = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        min_length=1,
        max_length=MAX_QUESTION_CHARACTERS,
        pattern=SAYS_SOMETHING,
    ),
]
Line = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=1000, pattern=_WITHOUT_NUL)
]
LanguageCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$")]
WebAddress = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=2000, pattern=r"^https?://[^\s\x00]+$")
]
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _only_iso_date(value: object) -> object:
    """Keep pydantic from reading numbers and date-times as dates."""
    if value is None or isinstance(value, dt.date):
        return value
    if isinstance(value, str) and _ISO_DATE.fullmatch(value):
        try:
            return dt.date.fromisoformat(value)
        except ValueError as error:
            raise ValueError(f"expected a date such as 2020-11-16; {error}") from error
    raise ValueError("expected a date such as 2020-11-16")


IsoDate = Annotated[dt.date, BeforeValidator(_only_iso_date, json_schema_input_type=dt.date)]


class Request(BaseModel):
    """A request: fields that are not known are refused by name."""

    model_config = ConfigDict(extra="forbid")
