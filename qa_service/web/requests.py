"""Request bodies and addresses read strictly: what is wrong with them gets a 4xx, never a 500."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn, TypeVar

from flask import Request
from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import ImmutableMultiDict

from qa_service.config import Settings
from qa_service.web.errors import HttpProblem, problem_of_validation

Model = TypeVar("Model", bound=BaseModel)

# What any request but an upload may carry: a question with the longest history has 84 KB in UTF-8.
MAX_BODY_BYTES: Final = 512 * 1024


def is_upload(method: str, path: str) -> bool:
    """Tell whether a request brings an article, and so may be large."""
    return method == "POST" and path.rstrip("/") == "/articles"


def max_body_bytes(method: str, path: str, settings: Settings) -> int:
    """Return how many bytes the body of a request may have: articles are larger than questions."""
    upload = settings.max_upload_mb * 2**20 if is_upload(method, path) else 0
    return MAX_BODY_BYTES + upload


class RepeatableArgs(ImmutableMultiDict[str, str]):
    """Query parameters of which a repeated one is a list, not its first value."""

    def to_dict(self, flat: bool = True) -> dict[str, Any]:
        """Return each parameter's value, or the list of them when it is repeated."""
        values: dict[str, list[str]] = super().to_dict(flat=False)
        if not flat:
            return values
        return {name: found[0] if len(found) == 1 else found for name, found in values.items()}


class StrictRequest(Request):
    """A request whose JSON must be declared, encoded and written as JSON is."""

    parameter_storage_class = RepeatableArgs

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:  # noqa: ARG002 - Flask's signature
        """Return the body's value, {} for no body at all.

        Raises:
            HttpProblem: 415 for another content type, 400 for what is not JSON.
        """
        data = self.get_data(cache=cache)
        if not data and not self.content_type:
            return {}
        if self.mimetype != "application/json":
            found = repr(self.mimetype) if self.mimetype else "no content type"
            raise HttpProblem(
                415,
                "unsupported_media_type",
                f"The body has {found}; send JSON with 'Content-Type: application/json'.",
            )
        try:
            return json.loads(data.decode("utf-8"), parse_constant=_refuse_constant)
        except UnicodeDecodeError as error:
            raise HttpProblem(
                400,
                "invalid_json",
                f"The body is not UTF-8: byte {error.start} starts no character.",
            ) from error
        except RecursionError as error:
            raise HttpProblem(400, "invalid_json", "The JSON is nested too deeply.") from error
        except json.JSONDecodeError as error:
            raise HttpProblem(
                400,
                "invalid_json",
                f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.",
            ) from error
        except ValueError as error:
            # Numbers of thousands of digits, NaN and Infinity.
            raise HttpProblem(400, "invalid_json", f"The body is not JSON: {error}") from error


def read_as(model: type[Model], data: object) -> Model:
    """Return data as a model. Raises HttpProblem 422 that names what is wrong."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise problem_of_validation(error) from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
