"""Words of a line by their places: those between two marks, under one, or beside one.

A mark that stands in a line is often read with it, as a letter or as none: it cuts the line, and what is read in its
own place is no letter of the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from redactlib.reading import TextLine

NEAR = 1.3
"""Letters' widths from a mark to a space that is where it stands: readers tell places of letters to half a width."""

OWN_PLACE = 0.4
"""Letters' widths from a mark, with no space near it, to what is read of itself: it stands between words."""


@dataclass(frozen=True)
class Word:
    """A word of a line and where it begins and ends on the page, pixels."""

    text: str
    left: float
    right: float

    @property
    def middle(self) -> float:
        return (self.left + self.right) / 2


def words_of(line: TextLine, cuts: Sequence[float] = (), *, erased: bool = False) -> list[Word]:
    """Words of a line with their places, parted where marks cut it.

    Args:
        line: level, as read.
        cuts: where marks stand in it, from the left of the page.
        erased: the marks were taken out before it was read; what is read in their place is a letter that they touched.

    Returns:
        left to right; nothing where the reader does not say where its letters stand.
    """
    if len(line.reading.centres) != len(line.text) or not line.text:
        return []
    x0, _, x1, _ = line.box
    places = x0 + np.array(line.reading.centres) * (x1 - x0)
    step = float(np.median(np.diff(places))) if len(places) > 1 else float(x1 - x0)
    text = line.text.replace("^", " ")  # no key of a typewriter: a caret
    spaces = places[[letter == " " for letter in text]]
    glued = [cut for cut in cuts if not (np.abs(spaces - cut) < NEAR * step).any()]
    if erased:
        glued = [cut for cut in glued if not (np.abs(places - cut) < OWN_PLACE * step).any()]
    words: list[Word] = []
    letters: list[tuple[str, float]] = []
    for letter, place in zip(text, places.tolist(), strict=True):
        marked = any(abs(place - cut) < OWN_PLACE * step for cut in glued)
        passed = bool(letters) and any(letters[-1][1] < cut < place for cut in glued)
        if (letter == " " or marked or passed) and letters:
            words.append(_word(letters, step))
            letters = []
        if letter != " " and not marked:
            letters.append((letter, place))
    return [*words, _word(letters, step)] if letters else words


def _word(letters: Sequence[tuple[str, float]], step: float) -> Word:
    return Word("".join(letter for letter, _ in letters), letters[0][1] - step / 2, letters[-1][1] + step / 2)
