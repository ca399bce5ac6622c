"""Which language a text is written in."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from qa_service.text.language_marks import (
    LANGUAGE_OF_SCRIPT,
    SAME_LANGUAGE,
    language_marks,
)
from qa_service.text.scripts import SHARED, script_of

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier  # type: ignore[import-untyped]

UNKNOWN_LANGUAGE = "und"

_SAMPLE_LENGTH = 2400
# One character of these scripts says about as much as this many letters of an alphabet.
_LETTERS_PER_CHARACTER = {"han": 3.0, "kana": 2.0, "hangul": 2.0}
# Japanese is Chinese characters with at least this share of kana among them.
_KANA_SHARE = 0.05
# The likelihood ratio of an everyday word, and of a text that holds a language's own letters.
_WORD_WEIGHT = 6.0
_LETTER_WEIGHT = 8.0
_MIN_CONFIDENCE = 0.3
_MIN_CONFIDENCE_ONE_WORD = 0.5
# Mixed scripts: a capitalised Latin word weighs less than a word of the text around it, and in a
# short text the script of the everyday words weighs more than that of the names.
_LATIN_NAME_WEIGHT = 0.3
_SHORT_TEXT = 120
_EVERYDAY_SCRIPT_WEIGHT = 4

_CASED_SCRIPTS = ("latin", "cyrillic")

# An address of mail is looked for from the start of its word alone, and given up at once.
_NOT_LANGUAGE = re.compile(r"https?://\S+|www\.\S+|(?<![^\s@])[^\s@]++@[^\s@]*\.[^\s@]*\w|[@#]\w+")
_WORD = re.compile(r"[^\W\d_]+(?:[\u0300-\u036f\u0900-\u0d7f\u200c’'][^\W\d_]*)*")


def detect_language(text: str) -> str:
    """Tell the language of an article or a question.

    The script that carries most of the text decides first; most scripts belong to one language.
    Among the languages of a shared script, a statistical model, telling letters and everyday words
    vote together, so that a question of a few words is told as well as an article. The same text
    always gets the same answer; safe to call from several threads.

    Returns:
        An ISO 639-1 code, or "und" when the text holds no letters or too few to tell.
    """
    sample = unicodedata.normalize("NFC", _NOT_LANGUAGE.sub(" ", _sample(text)))
    words = _WORD.findall(sample)
    weights = _script_weights(words)
    if not weights:
        return UNKNOWN_LANGUAGE
    script = max(weights, key=lambda name: (weights[name], name))
    if script in ("han", "kana"):
        kana = weights.get("kana", 0.0)
        return "ja" if kana > _KANA_SHARE * (kana + weights.get("han", 0.0)) else "zh"
    if script == "hebrew":
        return "yi" if _is_yiddish(sample) else "he"
    if script in LANGUAGE_OF_SCRIPT:
        return LANGUAGE_OF_SCRIPT[script]
    if script not in language_marks().priors:
        return UNKNOWN_LANGUAGE
    return _language_within(
        script, [word for word in words if script_of(word[0]) == script], sample
    )


def _sample(text: str) -> str:
    if len(text) <= _SAMPLE_LENGTH:
        return text
    part = _SAMPLE_LENGTH // 3
    middle = len(text) // 2
    return f"{text[:part]}\n{text[middle : middle + part]}\n{text[-part:]}"


def _script_weights(words: Sequence[str]) -> dict[str, float]:
    """Weigh each script by how much of the text it says, in letters of an alphabet."""
    weights: defaultdict[str, float] = defaultdict(float)
    for character, times in Counter("".join(words)).items():
        script = script_of(character)
        if script != SHARED:
            weights[script] += times * _LETTERS_PER_CHARACTER.get(script, 1.0)
    if len(weights) > 1:
        # Texts in every script quote names and brands in Latin letters.
        names = (word for word in words if word[0].isupper() and script_of(word[0]) == "latin")
        weights["latin"] -= sum(map(len, names)) * (1 - _LATIN_NAME_WEIGHT)
        if sum(weights.values()) <= _SHORT_TEXT:
            _favour_everyday_words(weights, words)
    return {script: weight for script, weight in weights.items() if weight > 0}


def _favour_everyday_words(weights: dict[str, float], words: Sequence[str]) -> None:
    lowered = {word.casefold() for word in words}
    for script, everyday in language_marks().everyday_words.items():
        if script in weights and any(word in everyday for word in lowered):
            weights[script] *= _EVERYDAY_SCRIPT_WEIGHT


def _is_yiddish(text: str) -> bool:
    letters = sum("\u05d0" <= character <= "\u05ea" for character in text)
    own = len(re.findall("[\u05f0\u05f1\u05f2\ufb1f\ufb2e\ufb2f]|א[\u05b7\u05b8]|וו|יי", text))
    return own * 25 > letters and bool(re.search(r"(?<!\w)(?:און|איז|די|דער|פון|האט)(?!\w)", text))


def _language_within(script: str, words: Sequence[str], text: str) -> str:
    own_text = " ".join(words)
    scores = _statistical_scores(own_text, language_marks().priors[script])
    lowered = own_text.casefold()
    if script in _CASED_SCRIPTS and len(words) == 1 and not _is_telling_word(script, lowered):
        return UNKNOWN_LANGUAGE
    _weigh_letters(scores, script, lowered + text)
    _weigh_words(scores, script, lowered.split())
    total = sum(scores.values())
    best = max(scores, key=lambda language: (scores[language], language))
    needed = _MIN_CONFIDENCE if len(words) > 1 else _MIN_CONFIDENCE_ONE_WORD
    return best if scores[best] >= needed * total else UNKNOWN_LANGUAGE


def _is_telling_word(script: str, word: str) -> bool:
    """Tell whether a word by itself shows its language; a name, for one, does not."""
    marks = language_marks()
    letters = marks.telling_letters[script]
    return word in marks.everyday_words[script] or any(letter in letters for letter in word)


def _statistical_scores(text: str, priors: Mapping[str, float]) -> dict[str, float]:
    floor = 1e-4
    scores = {language: floor * prior for language, prior in priors.items()}
    for label, probability in _identifier().rank(text):
        language = SAME_LANGUAGE.get(label, label)
        if language in scores:
            scores[language] += float(probability) * priors[language]
    return scores


def _weigh_letters(scores: dict[str, float], script: str, text: str) -> None:
    languages = language_marks().telling_letters.get(script, {})
    found = Counter(language for letter in set(text) for language in languages.get(letter, ()))
    _multiply(scores, _LETTER_WEIGHT, found, most=3)


def _weigh_words(scores: dict[str, float], script: str, words: list[str]) -> None:
    # Beyond a few words the statistical model knows better.
    languages = language_marks().everyday_words.get(script, {})
    found = Counter(language for word in words[:40] for language in languages.get(word, ()))
    _multiply(scores, _WORD_WEIGHT, found, most=8)


def _multiply(scores: dict[str, float], weight: float, found: Counter[str], most: int) -> None:
    """Raise the scores of languages by a weight for each of their marks, up to so many."""
    for language, times in found.items():
        if language in scores:
            scores[language] *= weight ** min(times, most)


def load_language_model() -> None:
    """Load ahead of time what `detect_language` would load when it is first called."""
    _identifier()


@functools.lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    # Its model takes a moment to load: only once there is a text to tell.
    from py3langid import langid  # type: ignore[import-untyped]

    return langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
