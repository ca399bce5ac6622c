"""Whether the service is well, and what is wrong when it is not."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class ProblemOut(BaseModel):
    """What is wrong, for machines and for people."""

    code: str = Field(description="A short stable word.")
    message: str = Field(description="What was found, what was expected, how to mend it.")
    detail: dict[str, object] | None = Field(description="More, where there is more.")


class ErrorOut(BaseModel):
    """An error."""

    error: ProblemOut


class HealthOut(BaseModel):
    """The process is alive."""

    status: Literal["ok"]
    version: str


class ReadyOut(BaseModel):
    """Index and model are loaded."""

    ready: Literal[True]
