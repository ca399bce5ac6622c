"""Whether the service is well, and what is wrong when it is not."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field

from qa_service.bodies.body import Body, Json


class ProblemOut(Body):
    """What is wrong, for machines and for people."""

    code: str = Field(description="A short stable word.")
    message: str = Field(description="What was found, what was expected, how to mend it.")
    detail: dict[str, object] | None = Field(description="More, where there is more.")


class ErrorOut(Body):
    """An error."""

    error: ProblemOut

    @classmethod
    def of(cls, code: str, message: str, detail: Json | None = None) -> Self:
        """Make the body that every door gives for an error."""
        return cls(error=ProblemOut(code=code, message=message, detail=detail))


class HealthOut(Body):
    """The process is alive."""

    status: Literal["ok"]
    version: str


class ReadyOut(Body):
    """Index and model are loaded."""

    ready: Literal[True]
