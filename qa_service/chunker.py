"""Article → passages: the pure step between reading and embedding.

Where to cut is chosen for the whole article at once (`_best_breaks`): of all ways to group its
sentences under the hard cap, the one with the least total cost, where passages far from the
wanted size and cuts inside a paragraph cost. So paragraphs stay whole while they fit, a paragraph
up to the cap is never halved, small ones share a passage, and no stub is left at the end: its
neighbours give it sentences or take it in. Choosing greedily from the top does none of this. An
article as long as several books is cut into sections first: what is known of millions of sentences
at once would fill the memory.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise

from qa_service.text.scripts import SHARED, dominant_script, scripts_of
from qa_service.text.sentences import MAX_CLUSTER_CHARS, cut_long, ends_with_stop, split_sentences
from qa_service.types import Article, Passage, Span

CHUNKER_VERSION = "2"
"""Part of an index's identity: raised whenever the same article would be cut otherwise."""

MIN_TOKENS = 120
TARGET_TOKENS = 180
MAX_TOKENS = 256
"""A paragraph of an encyclopaedia or a news report mostly fits: it then stays whole."""

CountTokens = Callable[[Sequence[str]], list[int]]

_MAX_HEADING_CHARS = 100
_MAX_HEADINGS_IN_A_ROW = 3
_MANY_SENTENCES = 2000
_SECTION_CHARS = 500_000
_MIN_DETECTED_LETTERS = 80
_LINE_BREAK = re.compile(r"\r\n|[\n\r\v\f\x85\u2028\u2029]")
_BULLET = re.compile(r"[-–—*•▪◦‣●■·]\s")

# What a cut costs, by what it falls between; and what a passage costs by its size: growing with
# the square of what it lacks, and from the target on to _TOO_LARGE at the cap. So a paragraph that
# fits costs less whole than cut; and growth costs more per token than cuts do (0.8 * 0.9 / 76
# against 1 / 180), so a longer paragraph is cut at about the target.
_CUT_IN_PARAGRAPH = 1.0
_CUT_AT_LINE = 0.25
_CUT_AT_PARAGRAPH = 0.0
_CUT_BELOW_HEADING = 8.0
_TOO_SMALL = 4.0
_TOO_LARGE = 0.9


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence, its size, and what it would cost to cut before it."""

    span: Span
    tokens: int
    cut_cost: float


def stream_passages(
    article: Article,
    count_tokens: CountTokens,
    detect: Callable[[str], str] | None = None,
    *,
    min_tokens: int = MIN_TOKENS,
    target_tokens: int = TARGET_TOKENS,
    max_tokens: int = MAX_TOKENS,
) -> Iterator[Passage]:
    """Cut an article into passages; yield them in order, a section of the article at a time.

    Every code point of the text that is not white space lies in a passage and in one of its
    sentences. A passage that begins in the middle of a paragraph repeats the sentence before it,
    unless that is long. An article without text gives no passages.

    Args:
        article: what to cut; its title is left to the encoder.
        count_tokens: sizes of many texts at once; called as few times as possible.
        detect: tells the language of a text; asked only about passages of some length in a script
            that the article's language is not written in.
        min_tokens: below this a passage is joined to another where it can be.
        target_tokens: above this a passage is divided where that leaves no paragraph in pieces.
        max_tokens: no passage is larger, unless a single character is.
    """
    if not 0 < min_tokens <= target_tokens <= max_tokens:
        raise ValueError(
            f"min_tokens {min_tokens}, target_tokens {target_tokens}, max_tokens {max_tokens}: "
            "must be positive and in this order"
        )
    return _split(article, count_tokens, (min_tokens, target_tokens, max_tokens), detect)


def _split(
    article: Article,
    count_tokens: CountTokens,
    sizes: tuple[int, int, int],
    detect: Callable[[str], str] | None,
) -> Iterator[Passage]:
    seen: Counter[str] = Counter()
    expected = scripts_of(article.language) or {dominant_script(article.text)}
    for section in _sections(article.text):
        groups = _groups(article, section, count_tokens, sizes)
        for group in groups:
            yield _passage(article, group, seen, expected, detect)


def _sections(text: str) -> Iterator[Span]:
    """Yield the stretches that are cut into passages at a time: all at once unless it is long."""
    start = 0
    while len(text) - start > _SECTION_CHARS:
        limit = start + _SECTION_CHARS
        middle = start + _SECTION_CHARS // 2
        # Between two paragraphs, or at least two lines or words, where there is such a place.
        breaks = (text.rfind(gap, middle, limit) for gap in ("\n\n", "\n", " "))
        end = next((place for place in breaks if place > 0), limit)
        while limit - MAX_CLUSTER_CHARS < end and unicodedata.category(text[end])[0] == "M":
            end -= 1
        yield Span(start, end)
        start = end
    yield Span(start, len(text))


def _groups(
    article: Article, section: Span, count_tokens: CountTokens, sizes: tuple[int, int, int]
) -> list[list[Span]]:
    """Return the sentences of each passage of a section."""
    min_tokens, target_tokens, max_tokens = sizes
    text = article.text
    spans = [
        Span(section.start + span.start, section.start + span.end)
        for span in split_sentences(text[section.start : section.end], article.language)
    ]
    if not spans:
        return []
    sized = _fit_sentences(text, spans, count_tokens, max_tokens)
    sentences = _price_cuts(text, sized)
    breaks = _best_breaks(sentences, min_tokens, target_tokens, max_tokens)
    groups = [
        _with_overlap(sentences, start, end, target_tokens, max_tokens)
        for start, end in pairwise(breaks)
    ]
    return _enforce_cap(text, groups, count_tokens, max_tokens)


def passage_id(article_id: str, text: str, ordinal: int) -> str:
    """Name the `ordinal`-th passage (from 0) of an article that has this very text."""
    digest = blake2b(digest_size=8)
    for part in (article_id, text, str(ordinal)):
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    return digest.hexdigest()


def _fit_sentences(
    text: str, spans: Sequence[Span], count_tokens: CountTokens, max_tokens: int
) -> list[tuple[Span, int]]:
    """Size the sentences, cutting those that no passage can hold."""
    counts = count_tokens([text[span.start : span.end] for span in spans])
    sized = list(zip(spans, counts, strict=True))
    while any(tokens > max_tokens and len(span) > 1 for span, tokens in sized):
        pieces: list[tuple[Span, int | None]] = []
        for span, tokens in sized:
            if tokens > max_tokens and len(span) > 1:
                # Aim well under the cap: the pieces of one sentence are not equally dense.
                fitting = min(len(span) * max_tokens * 3 // (tokens * 4), len(span) // 2)
                pieces.extend((piece, None) for piece in cut_long(text, span, max(1, fitting)))
            else:
                pieces.append((span, tokens))
        unsized = [span for span, tokens in pieces if tokens is None]
        fresh = iter(count_tokens([text[span.start : span.end] for span in unsized]))
        sized = [(s, next(fresh) if tokens is None else tokens) for s, tokens in pieces]
    return sized


def _price_cuts(text: str, sized: Sequence[tuple[Span, int]]) -> list[_Sentence]:
    """Tell what it costs to cut before each sentence, from the white space there."""
    gaps = [
        len(_LINE_BREAK.findall(text, before.end, after.start))
        for (before, _), (after, _) in pairwise(sized)
    ]
    # Where no line is ever left blank, as in text taken from web pages, each line is a paragraph.
    paragraph_gap = 2 if any(gap >= 2 for gap in gaps) else 1
    costs = [
        _CUT_AT_PARAGRAPH if gap >= paragraph_gap else _CUT_AT_LINE if gap else _CUT_IN_PARAGRAPH
        for gap in gaps
    ]
    is_line_end = [gap > 0 for gap in gaps]
    run = 0
    for index in reversed(range(len(costs))):
        # A heading stands alone on its line, and what follows is a paragraph or a heading of one.
        stands_alone = is_line_end[index] and (index == 0 or is_line_end[index - 1])
        leads = run > 0 or _is_body(text, sized[index + 1][0], index + 1, is_line_end)
        if stands_alone and leads and run < _MAX_HEADINGS_IN_A_ROW:
            line = text[sized[index][0].start : sized[index][0].end]
            if _is_heading(line):
                costs[index] = _CUT_BELOW_HEADING
                run += 1
                continue
        run = 0
    return [
        _Sentence(span, tokens, cost)
        for (span, tokens), cost in zip(sized, [0.0, *costs], strict=True)
    ]


def _is_heading(line: str) -> bool:
    return len(line) <= _MAX_HEADING_CHARS and not ends_with_stop(line) and not _BULLET.match(line)


def _is_body(text: str, first: Span, index: int, is_line_end: Sequence[bool]) -> bool:
    """Tell whether the line that begins with this sentence is more than a heading or an item."""
    has_more = index < len(is_line_end) and not is_line_end[index]
    return has_more or not _is_heading(text[first.start : first.end])


def _best_breaks(
    sentences: Sequence[_Sentence], min_tokens: int, target_tokens: int, max_tokens: int
) -> list[int]:
    """Return where each passage begins, and the end: the grouping of least total cost.

    Dynamic programming over the ends of sentences; only starts within the hard cap are tried.
    """
    starts = _possible_starts(sentences, max_tokens)
    sizes = [
        sum(max(1, sentence.tokens) for sentence in sentences[start:end])
        for start, end in pairwise([*starts, len(sentences)])
    ]
    cut_costs = [sentences[start].cut_cost for start in starts]
    overlaps = [_overlap(sentences, start, target_tokens) for start in starts]
    headroom = max(1, max_tokens - target_tokens)
    best = [0.0]
    begins = [0]
    for end in range(1, len(starts) + 1):
        lowest, chosen = float("inf"), end - 1
        own_tokens = 0
        for start in range(end - 1, -1, -1):
            own_tokens += sizes[start]
            if own_tokens > max_tokens and start < end - 1:
                break
            cost = best[start] + cut_costs[start]
            tokens = own_tokens + overlaps[start]
            if tokens < min_tokens:
                cost += _TOO_SMALL * ((min_tokens - tokens) / min_tokens) ** 2
            elif tokens > target_tokens:
                excess = (tokens - target_tokens) / headroom
                cost += _TOO_LARGE * excess * (0.8 + 0.2 * excess)
            if cost < lowest:
                lowest, chosen = cost, start
        best.append(lowest)
        begins.append(chosen)
    breaks = [len(starts)]
    while breaks[-1] > 0:
        breaks.append(begins[breaks[-1]])
    return [*(starts[index] for index in reversed(breaks[1:])), len(sentences)]


def _possible_starts(sentences: Sequence[_Sentence], max_tokens: int) -> list[int]:
    """Return the sentences that may begin a passage: all, unless there are very many.

    In a book or a table, every few words could; joining the tiniest first keeps the search linear.
    """
    if len(sentences) <= _MANY_SENTENCES:
        return list(range(len(sentences)))
    starts = [0]
    size = 0
    for index, sentence in enumerate(sentences):
        fits = size + sentence.tokens <= max_tokens // 16
        if index and not fits and sentence.cut_cost < _CUT_BELOW_HEADING:
            starts.append(index)
            size = 0
        size += max(1, sentence.tokens)
    return starts


def _overlap(sentences: Sequence[_Sentence], start: int, target_tokens: int) -> int:
    """Return the size of the sentence that a passage beginning at `start` would repeat, or 0.

    Only a passage that begins inside a paragraph needs one, and a long one would drown it.
    """
    if start == 0 or sentences[start].cut_cost != _CUT_IN_PARAGRAPH:
        return 0
    tokens = sentences[start - 1].tokens
    return tokens if tokens <= target_tokens // 4 else 0


def _with_overlap(
    sentences: Sequence[_Sentence], start: int, end: int, target_tokens: int, max_tokens: int
) -> list[Span]:
    """Return the spans of a passage, led by the sentence it repeats if it has room for it."""
    overlap = _overlap(sentences, start, target_tokens)
    own_tokens = sum(sentence.tokens for sentence in sentences[start:end])
    begin = start - 1 if overlap and own_tokens + overlap <= max_tokens else start
    return [sentence.span for sentence in sentences[begin:end]]


def _enforce_cap(
    text: str, groups: Sequence[list[Span]], count_tokens: CountTokens, max_tokens: int
) -> list[list[Span]]:
    """Halve the passages that are larger than their sentences promised.

    A text is not always the sum of its parts: white space and joints can cost tokens of their own.
    """
    while True:
        counts = count_tokens([text[group[0].start : group[-1].end] for group in groups])
        halved = [
            half
            for group, tokens in zip(groups, counts, strict=True)
            for half in (_halve(text, group) if tokens > max_tokens else [group])
        ]
        if len(halved) == len(groups):
            return halved
        groups = halved


def _halve(text: str, group: list[Span]) -> list[list[Span]]:
    """Cut a passage between its middle sentences, or its only sentence in the middle."""
    if len(group) > 1:
        middle = len(group) // 2
        return [group[:middle], group[middle:]]
    if len(group[0]) > 1:
        return [[piece] for piece in cut_long(text, group[0], -(-len(group[0]) // 2))]
    return [group]


def _passage(
    article: Article,
    group: Sequence[Span],
    seen: Counter[str],
    expected: Set[str],
    detect: Callable[[str], str] | None,
) -> Passage:
    """Make a passage of a group of sentences; `seen` counts the texts so far."""
    start, end = group[0].start, group[-1].end
    text = article.text[start:end]
    language = article.language
    if detect is not None and _is_foreign(text, expected):
        language = detect(text)
    ordinal = seen[text]
    seen[text] += 1
    return Passage(
        id=passage_id(article.id, text, ordinal),
        article_id=article.id,
        start=start,
        end=end,
        text=text,
        language=language,
        sentences=tuple(group),
    )


def _is_foreign(text: str, expected: Set[str]) -> bool:
    """Tell whether a passage is long enough to judge and in none of the scripts expected."""
    script = dominant_script(text)
    if script == SHARED or script in expected:
        return False
    return sum(map(str.isalpha, text)) >= _MIN_DETECTED_LETTERS
