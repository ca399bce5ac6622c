"""A folder of articles, its index and the parts between them, for tests of index runs."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from index_parts import TextLoader, WordHashEncoder, make_parts, make_store, verify

from qa_service.indexer import Indexer
from qa_service.store import Generation, Store
from qa_service.types import IndexReport


class Workshop:
    """A folder of articles, an index, and the parts between them."""

    def __init__(self, root: Path) -> None:
        self.articles = root / "articles"
        self.articles.mkdir()
        self.encoder = WordHashEncoder()
        self.loader = TextLoader()
        self.parts = make_parts(self.encoder, self.loader)
        self.store: Store = make_store(root / "index")

    def change_recipe(self, **parts: str) -> None:
        """Have some of the parts be of other versions."""
        self.parts = dataclasses.replace(
            self.parts,
            recipe=dataclasses.replace(self.parts.recipe, **parts),  # type: ignore[arg-type]
        )

    def write(self, name: str, text: str) -> None:
        """Write an article."""
        path = self.articles / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def write_lines(self, name: str, **texts: str) -> None:
        """Write a file of several articles."""
        lines = [json.dumps({"id": key, "text": text}) for key, text in texts.items()]
        self.write(name, "\n".join(lines))

    def index(self, **options: object) -> IndexReport:
        """Run the indexer over the folder, and check that all is well afterwards."""
        self.encoder.encoded.clear()
        self.encoder.encoded_titles.clear()
        self.loader.read_files.clear()
        report = Indexer(self.store, self.parts).run([self.articles], **options)  # type: ignore[arg-type]
        generation = self.generation()
        assert verify(generation) == ()
        assert report.generation == generation.id
        embedded = list(zip(self.encoder.encoded_titles, self.encoder.encoded, strict=True))
        assert report.embedded == len(set(embedded)) == len(embedded)
        assert report.embedded + report.reused == report.passages == len(generation.keys)
        return report

    def generation(self) -> Generation:
        """Open the generation in service."""
        return self.store.open_current(self.parts.recipe)

    def texts(self) -> dict[str, str]:
        """Return what is indexed, by article."""
        generation = self.generation()
        page = generation.article_page(0, 1000)
        return {item.id: generation.article(item.id).text for item in page.items}

    def nearest(self, question: str) -> str:
        """Return the text of the passage nearest to a question."""
        generation = self.generation()
        vector = self.encoder.encode_query([question]).vectors[0]
        return generation.passages(generation.vectors.search(vector, 1).keys)[0].text


def states(report: IndexReport) -> dict[str, str]:
    """Return each file's state."""
    return {outcome.path: outcome.state.value for outcome in report.files}
