"""Text → sentences, in any script, as exact offsets.

sentencex knows the abbreviations of some twenty languages, but it breaks Arabic, Hindi and French
titles, knows no stop of Khmer or Tibetan, and takes any quotation for one sentence. Here it
has a vote only on the Latin full stop; every other decision is made below. The text it sees has
its quotation marks and brackets blanked out, so that it also judges inside them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

import regex
import sentencex

from qa_service.text.scripts import SHARED, UNSPACED_SCRIPTS, script_of
from qa_service.types import Span

MAX_SENTENCE_CHARS = 800
"""A longer sentence is cut: it is a list, a transcript or a page without punctuation."""

MAX_UNSPACED_CHARS = 240
"""The same for scripts without spaces, whose characters carry more."""

MAX_CLUSTER_CHARS = 64
"""A longer grapheme cluster may be cut: no writing system has one, but a hostile text may."""

_MIN_THAI_CHARS = 60
_MAX_STRETCH_CHARS = 2000
_MAX_QUOTE_CHARS = 160
_QUOTES_AND_BRACKETS = '"“”„‟«»‹›()[]{}（）［］「」『』《》〈〉【】〔〕'
_BLANKED = dict.fromkeys(map(ord, _QUOTES_AND_BRACKETS), " ") | dict.fromkeys(
    # Lone surrogates have no UTF-8 form and cannot be handed to Rust.
    range(0xD800, 0xE000),
    "\ufffd",
)

# The stops that sentencex is asked about.
_VOTED_STOPS = ".․．﹒…‥"
_WORD_GAP = regex.compile(r"(?<=[\p{L}\p{M}\p{N},;،；])\s")
_OUTER_APOSTROPHE = regex.compile(r"(?<!\w)['‘’]|['‘’](?!\w)")
_LINE = regex.compile(r"[^\n\r\v\f\x85\u2028\u2029]+")
# Burmese ၊ and Javanese ꧈ count as terminators in Unicode, but are commas.
_STOP = regex.compile(
    r"""
    (?P<stop> [.․…‥．﹒。｡] [.․…‥．﹒。｡!?！？]*
            | [\p{SB=STerm}--[၊꧈]]+ [\p{SB=STerm}.…--[၊꧈]]*
            | [།༎]+ | [๚๛]+ | ፡፡
            | (?<=\p{Greek}) [;\u037e]
            | (?<=\p{Armenian}) :
    )
    (?P<closers> (?: [\p{Pe}\p{Pf}"'»«“]
                   | [ \u00a0\u202f][»›] (?!\p{L})
                   | \[\d{1,3}\] )* )
    (?P<space> \s* )
    """,
    regex.VERBOSE | regex.VERSION1,
)
# A Japanese quotation goes on as 」と言った; a spaced bullet inside a line starts an item.
_INLINE_BULLET = regex.compile(r"(?<=\s)[•▪◦‣●■](?=\s)")
_SHORT_QUOTE = regex.compile(
    r"""
      (?<!\w) " (?=\S) [^"]{1,N} (?<=\S) " (?!\w)
    | “[^“”„]{1,N}” | „[^“”„]{1,N}[“”] | «[^«»]{1,N}» | ‹[^‹›]{1,N}›
    | \([^()]{1,N}\) | \[[^\[\]]{1,N}\] | （[^（）]{1,N}） | 「[^「」]{1,N}」 | 『[^『』]{1,N}』
    | 《[^《》]{1,N}》 | 【[^【】]{1,N}】
    """.replace("N", str(_MAX_QUOTE_CHARS)),
    regex.VERBOSE,
)
_WORD_BEFORE = regex.compile(r"[\p{L}\p{M}\p{N}ªº'’\-]+(?:\.[\p{L}\p{M}\p{N}ªº'’\-]+)*$")
_ENUMERATOR = regex.compile(r"[(\[]?(?:\p{N}{1,4}|\p{L}\p{M}*|[ivxlIVXL]{1,5})")
_NEXT_INITIAL = regex.compile(r"\p{L}\p{M}*\.")
_CLUSTER = regex.compile(r"\X")
_CLAUSE_END = regex.compile(r"[,;:،؛،؍၊፣፤፥፦、，；：⸲⸴—–]+[\p{Pe}\p{Pf}\"']*(?=\s)|[、，；：၊፣፤]+")
_SPACE = regex.compile(r"\s+")
# Not before an abbreviation: «ปี พ.ศ. 2482».
_UNSPACED_GAP = regex.compile(
    r"(?<=[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}])\s+(?=[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}])"
    r"(?!\w{1,3}\.)"
)

# Abbreviations that never end a sentence: what follows belongs to them. One list for all
# languages, since articles quote each other's titles and language is sometimes mistaken; so
# nothing that is a word somewhere ("me", "on", "sen", «им»). Single letters need no entry.
_TITLE_WORDS = """
    mr mrs dr prof ste vs approx resp incl capt cmdr lt sgt
    mme mmes mlle mlles cf ca env apr sra sres sras srta dra uds lic arq exmo núm pág aprox
    sig dott avv egr dipl bzw ggf vgl evtl inkl exkl zzgl dhr mevr drs mgr mudr judr phdr
    inż prok doç yrd öğr gör bkz ths pgs gs tp yth jl hj kh
    млрд трлн ул просп пер г-н г-жа акад проф доц св тов напр м-р п-р д-р вул бул инж
    κα κος δρ καθ αγ
    أ.د أ.م.د م.م ا.د إس إم إن إل إف إتش آر إكس أو جيه دبليو سي تي كي بي دي جي في
    डॉ श्री प्रो पं स्व एम एन एस एल एफ एच आर वाई डब्ल्यू डॉक्टर ডক্টর মোঃ
    ดร พล ผศ รศ ศ นพ พญ
"""
_TITLES = frozenset(_TITLE_WORDS.split())
# The same, but only before a number.
_NUMBERED_WORDS = """
    al no nos nr fig figs p pp vol ch chap art arts sec ed eq ref tab par abs kap bd jan feb mar apr
    jun jul aug sep sept oct nov dec núm n pág págs cap ver num hlm rys č str st ст стр рис табл гл
    п пп № кв оф
"""
_NUMBERED = frozenset(_NUMBERED_WORDS.split())
_ORDINAL_LANGUAGES = frozenset({"de", "lb", "gsw", "nds"})
"""Where a noun after "19." has a capital; elsewhere a small letter tells that "19." is ordinal."""

_ROMAN_ORDINAL_LANGUAGES = _ORDINAL_LANGUAGES | {
    *("tr", "az", "cs", "sk", "hu", "pl", "hr", "bs", "sl", "sr", "fi", "et", "lv", "da", "no")
}
_ROMAN = regex.compile(r"[IVXLC]+")


def split_sentences(text: str, language: str) -> list[Span]:
    """Find the sentences of a text, in order.

    Every code point that is not white space lies in exactly one span, and no span begins or ends
    with white space. A line break always ends a sentence. A sentence that is too long to quote is
    cut where it hurts least (`cut_long`). Linear in the length of the text.

    Args:
        text: anything, in any script.
        language: ISO 639-1 code, or "und"; it only helps with the Latin full stop.
    """
    spans: list[Span] = []
    for line in _LINE.finditer(text):
        offset = line.start()
        for span in _split_line(line.group(), language):
            spans.extend(_cut_if_long(text, Span(offset + span.start, offset + span.end)))
    return spans


def cut_long(text: str, span: Span, max_chars: int) -> list[Span]:
    """Cut a span into pieces of at most `max_chars`, without the white space between them.

    Each cut falls after the last clause mark (comma, semicolon, colon, dash) in the second half of
    what fits; failing that, at the last white space; failing that, between two grapheme clusters.
    """
    pieces: list[Span] = []
    start, end = span.start, span.end
    while end - start > max_chars:
        cut = _best_cut(text, start, start + max_chars)
        piece = _trim(text, start, cut)
        if piece is not None:
            pieces.append(piece)
        start = cut
    rest = _trim(text, start, end)
    if rest is not None:
        pieces.append(rest)
    return pieces


def ends_with_stop(text: str) -> bool:
    """Tell whether a line closes with a sentence stop, as headings do not."""
    tail = text.rstrip()[-8:]
    return any(match.end() == len(tail) for match in _STOP.finditer(tail))


def _split_line(line: str, language: str) -> Iterator[Span]:
    """Yield the sentences of one line."""
    votes = set(_sentencex_stops(line, language))
    quotes = [match.span() for match in _SHORT_QUOTE.finditer(line)]
    quote_starts = [start for start, _ in quotes]
    boundaries: list[int] = []
    last = 0
    for match in _STOP.finditer(line):
        quote = bisect_right(quote_starts, match.start()) - 1
        if quote >= 0 and match.end("closers") < quotes[quote][1]:
            continue
        if _is_sentence_end(line, match, last, language, match.end("stop") in votes):
            last = match.end("closers")
            boundaries.append(last)
    boundaries.extend(match.start() for match in _INLINE_BULLET.finditer(line))
    boundaries.append(len(line))
    start = 0
    for boundary in sorted(boundaries):
        span = _trim(line, start, boundary)
        if span is not None:
            yield span
        start = boundary


def _sentencex_stops(line: str, language: str) -> Iterator[int]:
    """Yield where sentencex ends a sentence: the offset behind the stop, space left out."""
    if not any(stop in line for stop in _VOTED_STOPS):
        return
    blanked = _OUTER_APOSTROPHE.sub(" ", line.translate(_BLANKED))
    for start, end in _stretches(blanked):
        segments: list[str] = sentencex.segment(language, blanked[start:end])
        ends = accumulate(map(len, segments), initial=start)
        for segment, begin in zip(segments, ends, strict=False):
            yield begin + len(segment.rstrip())


def _stretches(line: str) -> Iterator[tuple[int, int]]:
    """Yield the stretches of a line that sentencex sees at a time.

    Its time grows with the square of what it finds no end in. A cut falls between two words where
    it can, so that no stop is at the end of a stretch that is not also at that of a sentence.
    """
    start = 0
    while len(line) - start > _MAX_STRETCH_CHARS:
        limit = start + _MAX_STRETCH_CHARS
        gaps = _WORD_GAP.finditer(line, start + _MAX_STRETCH_CHARS // 2, limit)
        end = max((gap.end() for gap in gaps), default=limit)
        yield start, end
        start = end
    yield start, len(line)


def _is_sentence_end(
    line: str, match: regex.Match[str], start: int, language: str, has_vote: bool
) -> bool:
    """Decide about one stop; `start` is where its sentence began."""
    following = line[match.end() : match.end() + 8]
    if not following:
        return True
    is_spaced, is_closed = bool(match["space"]), bool(match["closers"])
    first = following[0]
    if _CLAUSE_END.match(first + " "):
        return False
    is_quoted_in_japanese = match["closers"].endswith(("」", "』")) and "ぁ" <= first <= "ゟ"
    if is_closed and (first.islower() or is_quoted_in_japanese):
        return False  # “No!” she said. 「行こう。」と言った。
    stop = match["stop"]
    if stop[0] not in _VOTED_STOPS:
        return _is_strong_end(line, match, first)
    if match.start() - start <= 6 and _ENUMERATOR.fullmatch(line[start : match.start()].strip()):
        return False
    word_match = _WORD_BEFORE.search(line[max(start, match.start() - 40) : match.start()])
    word = word_match.group() if word_match else ""
    if not is_spaced and not is_closed:
        if stop == "．":
            return script_of(first) in UNSPACED_SCRIPTS
        return has_vote and len(stop) == 1 and _is_forgotten_space(word, following)
    if len(stop) > 1 or stop in "…‥":
        return not first.islower()
    before = line[max(start, match.start() - len(word) - 40) : match.start() - len(word)]
    return not _is_abbreviation(word, before, following, language, has_vote)


def _is_strong_end(line: str, match: regex.Match[str], first: str) -> bool:
    """Decide about a stop other than the Latin full stop and its ellipsis."""
    if match["stop"][-1] not in "!?":
        return True
    if match["space"] or match["closers"]:
        return not (match["stop"] == "!" and first.islower())  # Yahoo! is a company.
    # Without a space it may be part of an address (?q=), unless the script has no spaces.
    before = line[match.start() - 1 : match.start()]
    return bool(before) and script_of(before) not in ("latin", SHARED)


def _is_abbreviation(word: str, before: str, following: str, language: str, has_vote: bool) -> bool:
    """Tell whether the full stop behind `word` marks an abbreviation, an initial or an ordinal."""
    first = following[0]
    folded = word.casefold()
    letters = sum(map(str.isalpha, word))
    if folded in _TITLES:
        return True
    if first.isnumeric() and folded in _NUMBERED:
        return True
    if first.islower():
        return letters < 4 or not has_vote
    if word.isnumeric():
        is_ordinal = language in _ORDINAL_LANGUAGES and len(word) <= 2 and first.isupper()
        return is_ordinal or not has_vote
    if language in _ROMAN_ORDINAL_LANGUAGES and _ROMAN.fullmatch(word):
        return True  # II. Dünya Savaşı
    last = word.rsplit(".", 1)[-1]
    script = script_of(last[:1]) if last else SHARED
    if script in ("thai", "lao"):
        return len(_CLUSTER.findall(last)) <= 3
    if script not in (SHARED, "hangul", "han", "kana") and len(_CLUSTER.findall(last[:12])) == 1:
        return _is_initial(word, before, following, has_vote)
    return not has_vote


def _is_initial(word: str, before: str, following: str, has_vote: bool) -> bool:
    """Decide about a full stop behind a single letter: «د. أحمد», J. K. Rowling, ق.م."""
    if _NEXT_INITIAL.match(following):
        return True
    if "." in word or before.rstrip().endswith("."):
        return not (has_vote and following[0].isupper())
    is_cased = word.lower() != word.upper()
    if before.rstrip()[-1:].isnumeric():
        return is_cased and not has_vote  # 2020 م. وكان: a unit or an era, no initial
    if not word.isupper():
        return True
    previous = before.split()
    is_after_name = not previous or previous[-1][:1].isupper()
    return is_after_name or not has_vote


def _is_forgotten_space(word: str, following: str) -> bool:
    """Tell a missing space (ends.Then) from an address or a number (example.com, 3.5)."""
    if len(word) < 3 or "." in word or not following[:2].isalpha():
        return False
    script = script_of(word[-1])
    if script != script_of(following[0]):
        return False
    is_cased = word[-1].lower() != word[-1].upper()
    return not is_cased or (word[-1].islower() and following[0].isupper() and len(word) > 3)


def _cut_if_long(text: str, span: Span) -> Iterator[Span]:
    """Yield the span, or its pieces when it is too long for its script."""
    if len(span) <= MAX_UNSPACED_CHARS // 2:
        yield span
        return
    middle = text[span.start : span.start + 400]
    unspaced = sum(script_of(char) in UNSPACED_SCRIPTS for char in middle)
    if unspaced * 2 < len(middle):
        yield from cut_long(text, span, MAX_SENTENCE_CHARS)
        return
    for piece in _split_at_gaps(text, span):
        yield from cut_long(text, piece, MAX_UNSPACED_CHARS)


def _split_at_gaps(text: str, span: Span) -> Iterator[Span]:
    """Yield the stretches between spaces of Thai and its like, joined to a readable length.

    Thai puts a space where others put a full stop or a comma, and around numbers and foreign
    words; only a space between two letters of the script itself can end a sentence.
    """
    start = span.start
    for gap in _UNSPACED_GAP.finditer(text, span.start, span.end):
        if gap.start() - start >= _MIN_THAI_CHARS and span.end - gap.end() >= _MIN_THAI_CHARS // 2:
            yield Span(start, gap.start())
            start = gap.end()
    yield Span(start, span.end)


def _best_cut(text: str, start: int, limit: int) -> int:
    """Choose where to cut text[start:limit], which goes on behind `limit`; more than `start`."""
    middle = start + (limit - start) // 2
    for pattern in (_CLAUSE_END, _SPACE):
        cut = max((m.end() for m in pattern.finditer(text, middle, limit)), default=0)
        if cut:
            return cut
    return _cluster_boundary(text, start, limit)


def _cluster_boundary(text: str, start: int, limit: int) -> int:
    """Return the last boundary between grapheme clusters in text[start:limit]; `limit` if none."""
    # Clusters found from the middle of one are wrong at first, and right after the next plain
    # letter: begin well before the limit.
    begin = max(start, limit - 2 * MAX_CLUSTER_CHARS)
    boundary = begin
    # A slice, because the rule for flags makes regex look back to where its text begins.
    window = text[begin : limit + MAX_CLUSTER_CHARS]
    for cluster in _CLUSTER.finditer(window):
        if begin + cluster.end() > limit:
            break
        boundary = begin + cluster.end()
    return boundary if boundary > begin else limit


def _trim(text: str, start: int, end: int) -> Span | None:
    """Return the range without white space at its ends; None when nothing is left."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(start, end) if start < end else None
