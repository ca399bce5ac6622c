"""Names across scripts: a key of consonants that transliterations share.

"Lavrov", «Лавров», «لافروف» and «लावरोव» all have the key "lfrf". Vowels go, since Semitic scripts
leave them out and others spell them in many ways; consonants that languages exchange (b and p, f
and v, t and d, s and z, g and j) share a class; neighbours of one class count once.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import regex

MIN_CONSONANTS = 3
"""A shorter key is shared by too many words to tell anything."""

_MAX_CONSONANTS = 12

# The sound of each letter: a consonant, C and S as in "church" and "shoe", or - for none.
_ALPHABETS = (
    (
        "абвгдежзийклмнопрстуфхчшщъыьэюяіїєґўјљњћђџқғңөүұһә",
        "-bvgd-jz-yklmn-prst-fkCSS----yy-y-gwylnCjjkgn---h-",
    ),
    ("αβγδεζηθικλμνοπρστυφχω", "-vgd-z-t-klmn-prst-fk-"),
    ("ابپتثجچحخدذرزژسشصضطظعغفڤقكگلمنهويةء", "-bpttjChkddrzjsSsdtz-gfvkkglmnhwy--"),
    ("אבגדהוזחטיכךלמםנןסעפףקרשת", "-bgdhwzhtykklmmnns-pfkrSt"),
    ("աբգդեզէըթժիլխկհձղճմյնշոչպջռսվտրւփքօֆև", "-bgd-z--tj-lkkhjgjmynS-Cpjrsvtrvpk-fv"),
    ("აბგდევზთიკლმნოპჟრსტუფქღყშჩძჭხჯჰ", "-bgd-vzt-klmn-pjrst-pkgkSCjCkjh"),
)
_SOUNDS = {
    letter: sound.replace("-", "")
    for letters, sounds in _ALPHABETS
    for letter, sound in zip(letters, sounds, strict=True)
} | dict.fromkeys("цצץծցცწ", "ts")
_SOUNDS |= {"ξ": "ks", "ψ": "ps", "ं": "n", "ং": "n"}

# Letters of the Latin script that sound otherwise together, before e and i, or with a mark.
_LATIN_GROUP = regex.compile(
    r"tch|sch|dzh|sh|ch|ph|th|kh|gh|zh|ck|dj|cz|sz|дж|\Aw|\Aو|(?<=\p{Hebrew})ב"
    r"|[çčćšşșśžźğ]|c(?=[eiyéè])|[cqx]"
)
_GROUP_SOUNDS = {
    **dict.fromkeys(["tch", "dzh", "ch", "cz", "č", "ć", "ç"], "C"),
    **dict.fromkeys(["sch", "sh", "sz", "š", "ş", "ș", "ś"], "S"),
    **dict.fromkeys(["zh", "dj", "ž", "ź", "дж"], "j"),
    **dict.fromkeys(["w", "و", "ב"], "v"),
    **dict.fromkeys(["kh", "ck", "q"], "k"),
    **dict(zip(["ph", "th", "gh", "x", "ğ"], ["f", "t", "g", "ks", ""], strict=True)),
}
# Names of Indic letters say how they sound: DEVANAGARI LETTER KA.
_INDIC_LETTER = regex.compile(
    r"(?:DEVANAGARI|BENGALI|GUJARATI|GURMUKHI|ORIYA|TAMIL|TELUGU|KANNADA|MALAYALAM|SINHALA) "
    r"LETTER ([BCDFGHJKLMNPRSTVYZ]+)"
)
_INDIC_SOUNDS = {"PH": "f", "CH": "C", "C": "C", "CHH": "C", "SH": "S", "SS": "S"}
_CLASSES = str.maketrans("pvdzCg", "bftsjj", "hwy")


def name_key(word: str) -> str:
    """Return the consonants of a normalised word; "" when there are fewer than three.

    Scripts whose letters do not tell consonants apart (Chinese, Japanese, Thai) have no keys.
    """
    letters = unicodedata.normalize("NFD", _LATIN_GROUP.sub(_sound_of_group, word))
    consonants = "".join(map(_sound, letters)).translate(_CLASSES)
    squeezed = "".join(
        sound for place, sound in enumerate(consonants) if sound != consonants[place - 1 : place]
    )
    return squeezed[:_MAX_CONSONANTS] if len(squeezed) >= MIN_CONSONANTS else ""


def _sound_of_group(match: regex.Match[str]) -> str:
    group = match.group()
    if group != "c":
        return _GROUP_SOUNDS[group]
    return "s" if match.string[match.end() :].startswith(("e", "i", "y", "é", "è")) else "k"


@lru_cache(maxsize=4096)
def _sound(char: str) -> str:
    """Return the consonant of a letter, "" for a vowel or a mark."""
    if char.isascii():
        return "" if char in "aeiou" or not char.isalpha() else char
    known = _SOUNDS.get(char)
    if known is not None:
        return known
    letter = _INDIC_LETTER.match(unicodedata.name(char, ""))
    return _INDIC_SOUNDS.get(letter[1], letter[1][0].lower()) if letter else ""
