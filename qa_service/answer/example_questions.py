"""Questions to start with, made from the titles of the user's own articles."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qa_service.types import ArticleSummary

# What a language's question about a topic looks like.
TEMPLATES = {
    "ar": "ماذا جاء عن: {topic}؟",
    "en": "What is reported about: {topic}?",
    "fr": "Que sait-on sur : {topic} ?",
    "es": "¿Qué se sabe sobre: {topic}?",
    "ru": "Что известно о теме: {topic}?",
    "tr": "Şu konuda neler biliniyor: {topic}?",
    "zh": "关于“{topic}”有哪些信息？",
    "hi": "इस विषय में क्या जानकारी है: {topic}?",
}
LONGEST_TOPIC = 90
# A title that says more than one thing is cut after the first.
_CLAUSE_END = re.compile(r"\.\.+|[:;؛：；|]| [-–—] ")
_SHORTEST_TOPIC = 12


def example_questions(
    articles: Sequence[ArticleSummary], language: str, limit: int
) -> tuple[str, ...]:
    """Return at most `limit` questions in a language, each about one article.

    Articles in that language come first, then those in other languages, one of each in turn, so
    that the examples show what can be asked. English is used for languages without a template.
    """
    template = TEMPLATES.get(language, TEMPLATES["en"])
    by_language: dict[str, list[ArticleSummary]] = {}
    for article in articles:
        by_language.setdefault(article.language, []).append(article)
    own = by_language.pop(language, [])
    chosen = own[: max(limit // 2, limit - len(by_language))]
    others = [by_language[known] for known in sorted(by_language)]
    for depth in range(max(map(len, others), default=0)):
        chosen += [group[depth] for group in others if depth < len(group)]
    questions = (template.format(topic=_topic(article.title)) for article in chosen)
    return tuple(dict.fromkeys(questions))[:limit]


def _topic(title: str) -> str:
    """Return the first clause of a title that says enough, cut at a space if it is too long."""
    title = " ".join(title.split())
    for end in _CLAUSE_END.finditer(title):
        if end.start() >= _SHORTEST_TOPIC:
            title = title[: end.start()]
            break
    if len(title) > LONGEST_TOPIC:
        cut = title[:LONGEST_TOPIC]
        title = (cut.rsplit(" ", 1)[0] if " " in cut else cut) + "…"
    return title.rstrip(" .?؟!。？！")
