"""Worn lines read under the catalogue's wording: what a recogniser nearly read, where a legend says exactly that.

A recogniser's best guess at a worn or struck line is seldom a word. Its character probabilities often make a legend's
words all but as likely, and no other words come near: over the labelled pages every line within 1.6 nats a letter of
"Classified by" or "Declassify on" is one. It is the way in which :func:`redactlib.dates.read_date` reads a date.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from rapidfuzz import fuzz, process

from redactlib.catalogue.markings import fold, markings
from redactlib.reading import Reading, TextLine, log_odds_of


@dataclass(frozen=True)
class WordingSettings:
    """Which lines are asked for the catalogue's words, and how near they must come to them."""

    sure: float = 0.95  # confidence of a line that says what it was read as
    letters_min: int = 8  # of words that are told by their letters alone
    alike_min: float = 0.55  # of the letters, before the probabilities are asked
    alike_max: float = 0.93  # a line that has nearly all of the letters is matched as it is
    rivals: int = 2  # phrases asked for, the most alike first
    odds_max: float = 1.4  # nats a letter
    odds_by_confidence: float = (
        2.0  # and no more than this by the line's confidence: unsure of all, nothing is unlikely
    )


def in_catalogue_words(pieces: Sequence[TextLine], *, settings: WordingSettings = WordingSettings()) -> list[TextLine]:
    """Lines, those that the recogniser nearly read as words of a legend with these words as their text.

    Args:
        pieces: lines as read, each with its lattice; one without stays as it is.

    >>> in_catalogue_words([])
    []
    """
    phrases, folded = _phrases(settings.letters_min)
    asked = [i for i, piece in enumerate(pieces) if _is_doubtful(piece, settings)]
    if not asked:
        return list(pieces)
    alike = process.cdist([fold(pieces[i].text)[0] for i in asked], folded, scorer=fuzz.ratio, dtype=np.float32) / 100
    found = list(pieces)
    for i, scores in zip(asked, alike, strict=True):
        near = [k for k in np.argsort(-scores)[: settings.rivals] if scores[k] >= settings.alike_min]
        if not near or scores[near[0]] > settings.alike_max:
            continue
        lattice = pieces[i].reading.lattice
        assert lattice is not None
        odds = log_odds_of(lattice, [phrases[k] for k in near])
        best = int(np.argmin(odds))

        if odds[best] <= min(settings.odds_max, settings.odds_by_confidence * pieces[i].confidence):
            found[i] = replace(pieces[i], reading=_said(pieces[i].reading, phrases[near[best]], odds[best]))
    return found


def _is_doubtful(piece: TextLine, settings: WordingSettings) -> bool:
    lattice = piece.reading.lattice
    return piece.confidence < settings.sure and lattice is not None and len(lattice) > settings.letters_min


def _said(reading: Reading, phrase: str, odds: float) -> Reading:
    """A reading whose text is a phrase, its letters spread evenly from the first that was read to the last."""
    first, last = (reading.centres[0], reading.centres[-1]) if reading.centres else (0.0, 1.0)
    places = np.linspace(first, last, len(phrase)).tolist()
    return Reading(phrase, float(np.exp(-max(0.0, odds))), reading.lattice, tuple(places))


@lru_cache(maxsize=1)
def _phrases(letters_min: int) -> tuple[list[str], list[str]]:
    """Printed words of the catalogue's legends, as printed, and folded; without those that a sign tells by itself."""
    printed = {
        literal.text
        for row in markings()
        for literal in row.literals
        if len(literal.folded) >= letters_min and not (row.token and row.token in literal.text)
    }
    words = sorted(printed)
    return words, [fold(word)[0] for word in words]
