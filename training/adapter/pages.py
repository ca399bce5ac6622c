"""Sources that are pages in several languages: which files belong together, how to read them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.adapter.alignment import Versions, align_by_key, align_by_position
from training.adapter.documents import Document
from training.adapter.languages import PIVOT, language_of
from training.adapter.markup import Block, read_html, read_mallard

Align = Callable[[str, str, Versions, str], Document]


@dataclass(frozen=True, slots=True)
class PageSource:
    """Pages of one source. `pattern` matches a file's path: groups `page` and `language`.

    A path without a language is in the pivot. `container_id` as in `read_html`.
    """

    name: str
    root: str
    pattern: str
    align: Align
    container_id: str = ""
    is_mallard: bool = False

    def find(self, folder: Path) -> dict[str, dict[str, Path]]:
        """Return the file of each page and language, pages in order of their names."""
        pattern = re.compile(self.pattern)
        candidates: dict[str, dict[str, list[tuple[str, Path]]]] = {}
        root = folder / self.root
        for path in sorted(root.rglob("*")):
            match = pattern.fullmatch(path.relative_to(root).as_posix())
            if match is None or not path.is_file():
                continue
            tag = match["language"] or PIVOT
            language = language_of(tag)
            if language is not None:
                of_page = candidates.setdefault(match["page"], {})
                of_page.setdefault(language, []).append((tag, path))
        # Of several variants the plain one, or the first: pt before pt_BR, zh-CN before zh-SG.
        return {
            page: {language: min(found)[1] for language, found in sorted(versions.items())}
            for page, versions in sorted(candidates.items())
            if PIVOT in versions and len(versions) > 1
        }

    def read(self, page: str, paths: Mapping[str, Path]) -> Document:
        """Return one page in all its languages, aligned."""
        versions = {language: self._blocks(path) for language, path in paths.items()}
        return self.align(self.name, page, versions, PIVOT)

    def _blocks(self, path: Path) -> Sequence[Block]:
        content = path.read_bytes()
        return read_mallard(content) if self.is_mallard else read_html(content, self.container_id)


PAGE_SOURCES: tuple[PageSource, ...] = (
    PageSource(
        "libreoffice-help",
        "unpacked/usr/share/libreoffice/help",
        r"(?P<language>[^/]+)/text/(?P<page>.+)\.html",
        align_by_key,
        container_id="DisplayArea",
    ),
    PageSource(
        "gnome-help",
        "unpacked/usr/share/help",
        r"(?P<language>[^/]+)/gnome-help/(?P<page>[^/]+)\.page",
        align_by_position,
        is_mallard=True,
    ),
    PageSource(
        "debian-handbook",
        "unpacked/usr/share/doc/debian-handbook/html",
        r"(?P<language>[^/]+)/(?P<page>[^/]+)\.html",
        align_by_position,
    ),
    PageSource(
        "installation-guide",
        "unpacked/usr/share/doc/installation-guide-amd64",
        r"(?P<language>[^/]+)/(?P<page>[^/]+)\.html",
        align_by_position,
    ),
    PageSource(
        "debian-reference",
        "unpacked/usr/share/debian-reference",
        r"(?P<page>[^./]+)\.(?P<language>[^./]+)\.html",
        align_by_position,
    ),
    PageSource(
        "debian-faq",
        "unpacked/usr/share/doc/debian/FAQ",
        r"(?:[^/]+/)?(?P<page>[^./]+)\.(?P<language>[^./]+)\.html",
        align_by_position,
    ),
    PageSource(
        "maint-guide",
        "unpacked/usr/share/doc",
        r"maint-guide[^/]*/html/(?P<page>[^./]+)\.(?P<language>[^./]+)\.html",
        align_by_position,
    ),
    PageSource(
        "developers-reference",
        "unpacked/usr/share/developers-reference",
        r"(?:(?P<language>[a-z-]+)/)?(?P<page>[^/]+)\.html",
        align_by_position,
    ),
)
