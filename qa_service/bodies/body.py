"""What all bodies are: frozen models whose fields are checked once, when they are made."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from pydantic import BaseModel, ConfigDict

Json = dict[str, Any]


class Body(BaseModel):
    """A JSON body that is told; made from a value by the class methods `from_…`."""

    model_config = ConfigDict(frozen=True)

    def to_text(self, indent: int | None = None) -> str:
        """Return the JSON document, letters of every script as they are."""
        return json.dumps(self.model_dump(), ensure_ascii=False, indent=indent, default=_to_json)


def _to_json(value: object) -> str:
    if isinstance(value, dt.date):
        return value.isoformat()
    raise TypeError(f"{value!r} has no form in JSON; give bodies fields that have one")
