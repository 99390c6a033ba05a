"""Worn lines read under the catalogue's wording: what a recogniser nearly read, where a legend says exactly that.

A recogniser's best guess at a worn or struck line is seldom a word. Its character probabilities often make a legend's
words all but as likely, and no other words come near: over the labelled pages every line within 1.6 nats a letter of
"Classified by" or "Declassify on" is one. A line between a legend's others may be less likely, since its place speaks
for it too. It is the way in which :func:`redactlib.dates.read_date` reads a date.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from rapidfuzz import fuzz, process

from redactlib.catalogue.markings import Literal, Marking, fold, markings
from redactlib.marks import area, intersection
from redactlib.reading import Reading, TextLine, log_odds_of


@dataclass(frozen=True)
class WordingSettings:
    """Which lines are asked for the catalogue's words, and how near they must come to them; odds in nats a letter."""

    sure: float = 0.95  # confidence of a line that says what it was read as
    letters_min: int = 8  # of words that are told by their letters alone
    alike_min: float = 0.55  # of the letters, before the probabilities are asked
    alike_max: float = 0.9  # a line in which nearly all of the letters stand together is matched as it is
    rivals: int = 2  # phrases asked for, the most alike first
    odds_max: float = 1.4
    odds_by_confidence: float = (
        2.0  # and no more than this by the line's confidence: unsure of all, nothing is unlikely
    )
    next_odds_max: float = 2.6  # of a line that stands where the legend's next one does
    next_confidence_min: float = 0.45
    pitch: tuple[float, float] = (0.5, 1.9)  # from one line of a legend to the next, in heights
    shared_min: float = 0.5  # of the shorter line, that stands over the other
    height_ratio_max: float = 1.8
    same_min: float = 0.85  # of the letters of words, that another line in the same place has


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
    said: dict[int, tuple[float, str]] = {}  # odds and words of the lines that are taken for them
    maybe: dict[int, str] = {i: piece.text for i, piece in enumerate(pieces) if i not in asked}
    alike = process.cdist([_key(pieces[i].text) for i in asked], folded, scorer=fuzz.ratio, dtype=np.float32) / 100
    for i, scores in zip(asked, alike, strict=True):
        near = [k for k in np.argsort(-scores)[: settings.rivals] if scores[k] >= settings.alike_min]
        if not near:
            continue
        if _says(pieces[i], phrases[near[0]], settings):
            maybe[i] = phrases[near[0]]
            continue
        odds, best = min(zip(_odds(pieces[i], [phrases[k] for k in near]), near, strict=True))
        if odds <= settings.odds_max:
            maybe[i] = phrases[best]
            if odds <= settings.odds_by_confidence * pieces[i].confidence:
                said[i] = odds, phrases[best]
    _ask_neighbours(pieces, asked, maybe, said, settings)
    said = {
        i: (odds, words) for i, (odds, words) in said.items() if not _says_so_there(i, odds, words, pieces, settings)
    }
    return [
        replace(piece, reading=_said(piece.reading, said[i][1], said[i][0])) if i in said else piece
        for i, piece in enumerate(pieces)
    ]


def _says_so_there(number: int, odds: float, words: str, pieces: Sequence[TextLine], settings: WordingSettings) -> bool:
    """Whether another line in a line's place was read as the same words, and more surely: it is known better there."""
    box = pieces[number].box
    return any(
        other.confidence > np.exp(-odds)
        and intersection(box, other.box) > settings.shared_min * min(area(box), area(other.box))
        and fuzz.ratio(_key(words), _key(other.text)) > 100 * settings.same_min
        for i, other in enumerate(pieces)
        if i != number
    )


def _ask_neighbours(
    pieces: Sequence[TextLine],
    asked: Sequence[int],
    maybe: dict[int, str],
    said: dict[int, tuple[float, str]],
    settings: WordingSettings,
) -> None:
    """Take in lines that stand next to one of a legend as its next line does and may say that: two confirm it."""
    beside = _neighbours(settings.letters_min)
    queue = [i for i, text in maybe.items() if _key(text) in beside]
    for i in queue:
        for step, words in beside[_key(maybe[i])]:
            for j in asked:
                unsure = j not in said and pieces[j].confidence >= settings.next_confidence_min
                if unsure and _stands_next(pieces[i], pieces[j], step, settings):
                    [odds] = _odds(pieces[j], [words])
                    if odds <= settings.next_odds_max and not _says(pieces[j], words, settings):
                        said[j], maybe[j] = (odds, words), words
                        queue.append(j)
                        if i in asked and i not in said and not _says(pieces[i], maybe[i], settings):
                            said[i] = _odds(pieces[i], [maybe[i]])[0], maybe[i]


def _stands_next(home: TextLine, other: TextLine, step: int, settings: WordingSettings) -> bool:
    """Whether a line stands where the line after (`step` 1) or before (-1) one of a legend does."""
    along = home.corners[1] - home.corners[0]
    along = along / max(1e-6, float(np.linalg.norm(along)))
    down = step * np.array([-along[1], along[0]])
    apart = float((other.corners.mean(0) - home.corners.mean(0)) @ down)
    low, high = sorted((home.height, other.height))
    if not settings.pitch[0] * low < apart < settings.pitch[1] * high or high > settings.height_ratio_max * low:
        return False
    a, b = home.corners @ along, other.corners @ along
    shared = min(a.max(), b.max()) - max(a.min(), b.min())
    return bool(shared > settings.shared_min * min(np.ptp(a), np.ptp(b)))


def _says(piece: TextLine, words: str, settings: WordingSettings) -> bool:
    text = _key(piece.text)
    return len(text) >= len(_key(words)) - 1 and fuzz.partial_ratio(_key(words), text) > 100 * settings.alike_max


def _odds(piece: TextLine, words: Sequence[str]) -> list[float]:
    lattice = piece.reading.lattice
    return [] if lattice is None else log_odds_of(lattice, words)


def _is_doubtful(piece: TextLine, settings: WordingSettings) -> bool:
    lattice = piece.reading.lattice
    return piece.confidence < settings.sure and lattice is not None and len(lattice) > settings.letters_min


def _said(reading: Reading, phrase: str, odds: float) -> Reading:
    """A reading whose text is a phrase, its letters spread evenly from the first that was read to the last."""
    first, last = (reading.centres[0], reading.centres[-1]) if reading.centres else (0.0, 1.0)
    places = np.linspace(first, last, len(phrase)).tolist()
    return Reading(phrase, float(np.exp(-max(0.0, odds))), reading.lattice, tuple(places))


def _key(text: str) -> str:
    return fold(text)[0]


def _told_by_letters(row: Marking, letters_min: int) -> list[Literal]:
    """Printed words of a legend; without short ones and those that a sign tells by itself."""
    told = (literal for literal in row.literals if len(literal.folded) >= letters_min)
    return [literal for literal in told if not (row.token and row.token in literal.text)]


@lru_cache(maxsize=1)
def _phrases(letters_min: int) -> tuple[list[str], list[str]]:
    """Words of the catalogue's legends and of markings told by a pattern, as printed, and folded."""
    legends = {literal.text for row in markings() for literal in _told_by_letters(row, letters_min)}
    told = {text for row in markings() if not row.lines and row.decision == "none" for text in row.examples}
    words = sorted(legends | {t for t in told if len(_key(t)) >= letters_min and not any(map(str.isdigit, t))})
    return words, [_key(word) for word in words]


@lru_cache(maxsize=1)
def _neighbours(letters_min: int) -> dict[str, list[tuple[int, str]]]:
    """For the words of each line of a worn legend, folded, what stands after (1) and before (-1) it."""
    found: dict[str, dict[tuple[int, str], None]] = {}
    for row in markings():
        lines = {literal.row: literal for literal in reversed(_told_by_letters(row, letters_min))}
        for place, literal in lines.items() if row.worn else ():
            for step in (1, -1):
                if place + step in lines:
                    found.setdefault(literal.folded, {})[step, lines[place + step].text] = None
    return {text: list(rest) for text, rest in found.items()}
