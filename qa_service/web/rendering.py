"""How a page is made: its template, its language, and the words and addresses in it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Response, make_response, render_template, request

from qa_service.bodies import article_path
from qa_service.text.direction import text_direction
from qa_service.types import Answer
from qa_service.web.highlighting import Marks, Stretch, mark_text
from qa_service.web.translations import INTERFACE_LANGUAGES, Interface, choose_language, own_name

LANGUAGE_COOKIE: Final = "qa_language"
STATIC: Final = Path(str(files("qa_service.web") / "static"))

# The last words of a problem's key in messages/*.json; every other code reads as "generic".
_PROBLEM_KEYS: Final[Mapping[str, str]] = {
    "api_key_needed": "api_key_needed",
    "article_conflict": "article_conflict",
    "article_not_found": "article_not_found",
    "index_busy": "index_busy",
    "index_corrupt": "index",
    "index_damaged": "index_damaged",
    "index_error": "index",
    "index_mismatch": "index",
    "index_write_failed": "index",
    "invalid_question": "invalid_request",
    "invalid_request": "invalid_request",
    "model_unavailable": "model_unavailable",
    "not_found": "not_found",
    "overloaded": "overloaded",
    "rate_limited": "rate_limited",
    "too_large": "too_large",
    "unreadable_file": "invalid_request",
}


def render(template: str, interface: Interface, **values: Any) -> Response:
    """Return a page in a language; `values` are what its template needs besides what all have."""
    response = make_response(
        render_template(
            template,
            t=interface.say,
            ui=interface,
            languages=[(code, own_name(code)) for code in INTERFACE_LANGUAGES],
            asset=static_address,
            root=request.script_root,
            here=own_path(request.full_path.rstrip("?")),
            direction=text_direction,
            article_path=article_path,
            web_address=web_address,
            strength=strength,
            assurance=assurance,
            problem_key=lambda problem: _PROBLEM_KEYS.get(problem.code, "generic"),
            marked=_marked,
            **values,
        )
    )
    response.vary.update(("Cookie", "Accept-Language"))
    response.content_language.add(interface.language)
    return response


def current_interface(wanted: str | None = None) -> Interface:
    """Return the interface as wanted, or as chosen before, or as the browser's, or in English."""
    wishes = [wanted, request.cookies.get(LANGUAGE_COOKIE), *request.accept_languages.values()]
    return Interface(choose_language(wishes))


@cache
def static_version() -> str:
    """Return a fingerprint of all static files, so that they can be cached for ever."""
    digest = hashlib.sha256()
    for path in sorted(STATIC.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(STATIC).as_posix().encode() + b"\0")
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def static_address(name: str) -> str:
    """Return the address of a static file."""
    return f"{request.script_root}/static/{static_version()}/{name}"


def own_path(path: str) -> str:
    """Return a path of this site; "/" for anything that could lead to another."""
    is_own = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_own and len(path) < 8000 else "/"


def web_address(url: str | None) -> str | None:
    """Return the address when it is one that a page may link to: http or https, with a host."""
    if url is None:
        return None
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return None
    return url.strip() if parts.scheme in ("http", "https") and parts.netloc else None


def strength(score: float) -> int:
    """Grade a passage's score from 1, weak, to 4, very strong."""
    return 1 + sum(score >= least for least in (0.3, 0.55, 0.8))


def assurance(confidence: float) -> str:
    """Put a probability into the key of a word."""
    if confidence >= 0.85:
        return "high"
    return "medium" if confidence >= 0.6 else "low"


def _marked(answer: Answer, rank: int) -> tuple[Stretch, ...]:
    """Return the text of the passage of a rank, its matches and the answering sentence marked."""
    hit = next(hit for hit in answer.passages if hit.rank == rank)
    is_cited = answer.answer is not None and answer.answer.citation == rank
    sentence = answer.answer.span if is_cited and answer.answer else None
    return mark_text(hit.text, Marks(sentence=sentence, matches=hit.highlights))
