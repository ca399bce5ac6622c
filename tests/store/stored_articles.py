"""Articles in six scripts, and what tests of the store do with their index."""

from __future__ import annotations

from pathlib import Path

from index_parts import RECIPE, WordHashEncoder, make_indexer

from qa_service.store import Generation, Store
from qa_service.types import Passage

TEXTS = {
    "ar.txt": "أرمينيا\nأوقفت الشرطة تسعة أشخاص في يريفان.\nوأطلق سراح أربعة منهم.",
    "en.txt": "Canal\nThe canal is 82 kilometres long.\nIt has four locks. agency",
    "hi.txt": "नदी\nनदी पहाड़ों से निकलती है।",
    "th.txt": "ตลาด\nตลาดน้ำเปิดทุกวัน",
    "zh.txt": "运河\n运河全长82公里。\n共有四座船闸。",
    "mixed.txt": "Mixed\nKyiv Київ 基辅 كييف 2024",
}


def change(store: Store, articles: Path, name: str, text: str) -> Generation:
    """Write a file, index, and return the new generation."""
    (articles / name).write_text(text, encoding="utf-8")
    make_indexer(store.path).run([articles])
    return store.open_current(RECIPE)


def found(generation: Generation, question: str) -> Passage:
    """Return the passage nearest to a question."""
    vector = WordHashEncoder().encode_query([question]).vectors[0]
    return generation.passages(generation.vectors.search(vector, 1).keys)[0]
