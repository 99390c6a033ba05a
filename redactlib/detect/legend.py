"""Worn lines read as the legend that they most probably say.

What a recogniser makes of a worn or crossed-out stamp is often no word, yet its character probabilities still favour
the legend that stands there. Of every doubtful line that looks a little like a line of the catalogue it is asked how
much less probable that legend is than the best guess (CTC, the best path; Graves et al. 2006). Where that is little,
and the same letters in other orders are far less probable, the line is read so.
"""

from __future__ import annotations

import random
import string
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from rapidfuzz import fuzz, process

from redactlib.catalogue.markings import fold, markings
from redactlib.reading import ALPHABET, Reading, TextLine

_LETTERS = string.ascii_uppercase + string.digits


@dataclass(frozen=True)
class LegendSettings:
    """When a line is read as a legend; costs in nats."""

    letters_min: int = 9  # of a legend's line: shorter words fit anywhere
    sure: float = 0.93  # mean probability of its letters above which a line says what it says
    likeness_min: float = 0.56  # share of the legend's letters that the best guess must have
    length_max: float = 2.5  # of the line, by the legend's: a longer one is prose that has such a stretch
    cost_max: float = 1.1  # a letter, against the best guess: real legends under strikes cost 0.1-1.1, prose 2 and more
    lead_min: float = 15.0  # over the same letters in another order: where nothing can be read all cost little
    orders: int = 4  # other orders tried
    floor: float = 1e-5  # probability of what the recogniser holds impossible


def read_as_legends(pieces: Sequence[TextLine], *, settings: LegendSettings = LegendSettings()) -> list[TextLine]:
    """Lines of a page, those whose probabilities speak for a legend of the catalogue read as that."""
    legends = _legends(settings.letters_min)
    doubtful = [i for i, p in enumerate(pieces) if p.reading.lattice is not None and p.confidence < settings.sure]
    if not doubtful:
        return list(pieces)
    texts = [fold(pieces[i].text)[0] for i in doubtful]
    sizes, lengths = np.array([len(k) for k in legends]), np.array([len(t) for t in texts])
    alike = process.cdist([fold(k)[0] for k in legends], texts, scorer=fuzz.partial_ratio, dtype=np.float32) / 100
    alike *= np.minimum(1.0, lengths[None] / sizes[:, None])
    alike[lengths[None] > settings.length_max * sizes[:, None]] = 0.0
    found = list(pieces)
    for column, i in enumerate(doubtful):
        likely = [k for k, share in zip(legends, alike[:, column], strict=True) if share >= settings.likeness_min]
        if likely:
            found[i] = replace(pieces[i], reading=_as_legend(pieces[i].reading, likely, legends, settings))
    return found


@lru_cache(maxsize=4)
def _legends(letters_min: int) -> dict[str, str]:
    """Letters and figures of the catalogue's printed words, in capitals, and the words as they are printed."""
    words = [literal.text.lstrip("~+ ") for row in markings() for literal in row.literals]
    return {key: text for text in words if len(key := _plain(text)) >= letters_min}


def _plain(text: str) -> str:
    return "".join(c for c in text.upper() if c in _LETTERS)


def _as_legend(reading: Reading, likely: Sequence[str], legends: dict[str, str], settings: LegendSettings) -> Reading:
    """A line's reading with the likeliest of some legends in the place where it stands, or as it is."""
    assert reading.lattice is not None
    costs = _costs(reading.lattice, settings)
    found = _align(costs, likely)
    gains = [settings.cost_max * len(key) - cost for key, (cost, _, _) in zip(likely, found, strict=True)]
    best = int(np.argmax(gains))
    if gains[best] < 0:
        return reading
    key, (cost, first, last) = likely[best], found[best]
    if min(other for other, _, _ in _align(costs, _reordered(key, settings.orders))) - cost < settings.lead_min:
        return reading
    return _rewritten(reading, legends[key], first / len(costs), last / len(costs)) or reading


def _costs(lattice: np.ndarray, settings: LegendSettings) -> np.ndarray:
    """What each letter costs at each step against the likeliest, ``(T, 1 + 36)``; signs and gaps count as blank."""
    columns = [1 + _LETTERS.index(c.upper()) if c.upper() in _LETTERS else 0 for c in ALPHABET]
    shares = np.zeros((len(lattice), 1 + len(_LETTERS)))
    np.add.at(shares.T, [0, *columns], lattice.T)
    logs = np.log(np.maximum(shares, settings.floor))
    return logs.max(1, keepdims=True) - logs


def _align(costs: np.ndarray, texts: Sequence[str]) -> list[tuple[float, int, int]]:
    """For each text the cost of its best path through a stretch of the steps, and where that begins and ends."""
    ends = np.array([2 * len(text) - 1 for text in texts])
    labels = np.zeros((len(texts), ends.max() + 2), int)
    for row, text in enumerate(texts):
        labels[row, 1 : 2 * len(text) : 2] = [1 + _LETTERS.index(c) for c in text]
    leap = np.zeros(labels.shape, bool)  # past the blank between two letters that differ
    leap[:, 3::2] = labels[:, 3::2] != labels[:, 1:-2:2]
    total, began = np.full(labels.shape, np.inf), np.zeros(labels.shape, int)
    rows = np.arange(len(texts))
    best, first, last = np.full(len(texts), np.inf), np.zeros(len(texts), int), np.zeros(len(texts), int)
    for step, here in enumerate(costs):
        reach, since = total.copy(), began.copy()
        for back in (1, 2):
            better = total[:, :-back] < reach[:, back:]
            if back == 2:
                better &= leap[:, 2:]
            reach[:, back:][better] = total[:, :-back][better]
            since[:, back:][better] = began[:, :-back][better]
        fresh = reach[:, 1] > 0  # what stands before costs nothing
        reach[fresh, 1], since[fresh, 1] = 0.0, step
        total, began = reach + here[labels], since
        ending = total[rows, ends]
        ahead = ending < best
        best[ahead], first[ahead], last[ahead] = ending[ahead], began[rows, ends][ahead], step + 1
    return list(zip(best.tolist(), first.tolist(), last.tolist(), strict=True))


def _reordered(text: str, orders: int) -> list[str]:
    """The letters of a text in other orders, the same ones every time."""
    dice = random.Random(text)
    return ["".join(dice.sample(text, len(text))) for _ in range(orders)]


def _rewritten(reading: Reading, text: str, low: float, high: float) -> Reading | None:
    """A reading in which a text stands between two shares of its length; ``None`` where that would part a word."""
    half = 0.5 / max(1, len(reading.text))
    head = reading.text[: sum(centre < low - half for centre in reading.centres)]
    tail = reading.text[len(reading.text) - sum(centre > high + half for centre in reading.centres) :]
    if head[-1:].isalpha():
        return None
    head, tail = head and head.rstrip() + " ", tail and " " + tail.lstrip()
    centres = (
        *np.linspace(0.0, low, 2 * len(head) + 1)[1::2],
        *np.linspace(low, high, 2 * len(text) + 1)[1::2],
        *np.linspace(high, 1.0, 2 * len(tail) + 1)[1::2],
    )
    return replace(reading, text=head + text + tail, centres=tuple(map(float, centres)))
