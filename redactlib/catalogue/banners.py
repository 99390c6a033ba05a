"""The words of classification banners, and which of them a line consists of."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from rapidfuzz import fuzz

from redactlib.catalogue.markings import MatchSettings, fold, says_every_word


@dataclass(frozen=True)
class BannerSettings:
    """How much of a banner must be read."""

    word_score: float = 0.78  # of a word's letters
    short_word_score: float = 0.9  # of a short caption, which other words contain by chance
    rest_max: float = 0.25  # of a line's letters may be something else
    worn_score: float = 0.62  # of a large worn stamp's letters


_SHORT_LEVELS = (fold("SECRET")[0],)
STAMPED_LEVELS = ("TOP SECRET", "SECRET", "CONFIDENTIAL", "RESTRICTED")
"""Levels that are stamped; UNCLASSIFIED is not among them, since DECLASSIFIED looks like a worn one."""

STAMPED_CONTROLS = ("FOR OFFICIAL USE ONLY", "NO FOREIGN DISSEM")
"""Restrictions that are stamped like a level."""

_NO_FOREIGN, _LAST_WORD = fold("NO FOREIGN DISSEM")[0], fold("DISSEM")[0]
"""The one of them that its last word tells, since no other writing ends with it."""


@lru_cache(maxsize=1)
def words_of_banners() -> dict[str, list[str]]:
    """Levels, controls and parts of banners, as ``classification.toml`` gives them."""
    return tomllib.loads((files("redactlib.catalogue") / "classification.toml").read_text(encoding="utf-8"))


_SHORT_WORDS, _WHOLE_SCORE = MatchSettings(short_word_chars=3), 87.0
"""Of a caption that is read nearly whole, in a hundred, a word of four letters need not be read to the letter."""


def says_caption(caption: str, text: str) -> bool:
    """Whether a folded text has each word of a caption; in one that is all but whole EYES may be read EVES.

    >>> says_caption("EYES ONLY", fold("SECRET - EVES ONLY")[0])
    True
    """
    if says_every_word(caption, text):
        return True
    whole = fuzz.partial_ratio(fold(caption)[0], text) >= _WHOLE_SCORE
    return whole and says_every_word(caption, text, settings=_SHORT_WORDS)


@lru_cache(maxsize=1)
def _ranked_words() -> tuple[tuple[str, str], ...]:
    """Every classification word with its folded form, the longest first."""
    words = {word for group in words_of_banners().values() for word in group}
    return tuple((word, fold(word)[0]) for word in sorted(words, key=lambda w: (-len(w), w)))


def banner_words(text: str, *, settings: BannerSettings = BannerSettings()) -> tuple[str, ...]:
    """The classification words that a line consists of, or nothing where it says anything else.

    >>> banner_words("S E C R E T  NO FOREIGN DISSEM")
    ('NO FOREIGN DISSEM', 'SECRET')
    >>> banner_words("the secret agreement")
    ()
    """
    rest = fold(text)[0]
    whole = len(rest)
    found = []
    words = words_of_banners()
    for word, folded in _ranked_words():
        if len(rest) < 0.8 * len(folded) or (len(folded) < 5 and folded not in rest):
            continue
        if not says_caption(word, rest):
            continue
        place = fuzz.partial_ratio_alignment(folded, rest)
        floor = settings.word_score if len(folded) >= 8 or folded in _SHORT_LEVELS else settings.short_word_score
        if place is None or place.score / 100 < floor:
            continue
        if len(rest) < len(folded) and place.score / 100 * len(rest) / len(folded) < settings.word_score:
            continue
        rest = rest[: place.dest_start] + rest[place.dest_end :]
        found.append(word)
    telling = [w for w in found if w in words["levels"] or w in words["controls"]]
    return tuple(found) if telling and len(rest) <= settings.rest_max * whole else ()


def spelled_level(text: str) -> tuple[str, ...]:
    """The level that a typist spelled letter by letter, though only its beginning was read, or nothing.

    >>> spelled_level("C=O=N-F-I-D-E-N")
    ('CONFIDENTIAL',)
    >>> spelled_level("S-E-C")
    ()
    """
    folded = fold(text)[0]
    apart = _SPELLED.fullmatch(text.strip()) is not None
    long = [level for level in STAMPED_LEVELS if fold(level)[0].startswith(folded)]
    return tuple(long[:1]) if apart and len(folded) >= _SPELLED_MIN else ()


_SPELLED, _SPELLED_MIN = re.compile(r"(?:\w\W{1,2})+\w\W?"), 5
"""A line of single letters with a sign between each two, and how many of them tell a level."""


def worn_level(text: str, *, lenient: bool, settings: BannerSettings = BannerSettings()) -> tuple[str, ...]:
    """The level that a large worn stamp says although several of its letters are misread, or nothing.

    >>> worn_level("SECXET", lenient=True)
    ('SECRET',)
    >>> worn_level("lo rXIGN DISSEM", lenient=False)
    ('NO FOREIGN DISSEM',)
    """
    folded = fold(text)[0]
    if folded.endswith(_LAST_WORD) and len(_LAST_WORD) + 2 < len(folded) <= len(_NO_FOREIGN):
        return (STAMPED_CONTROLS[1],)
    best = max(STAMPED_LEVELS, key=lambda word: fuzz.ratio(fold(word)[0], folded))
    level = fold(best)[0]
    floor = settings.worn_score if lenient else settings.worn_score + 0.06
    close = fuzz.ratio(level, folded) / 100 >= floor
    return (best,) if close and 0.66 <= len(folded) / len(level) <= 1.34 else ()
