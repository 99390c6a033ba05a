"""Words that stand in the place of text: ``[1 line not declassified]``, ``DELETED``, typed or stamped.

They are worn like the text around them, and what was left of it runs into them: brackets are read as strokes, and the
end of a word as the small letters behind it. A legend, an instruction or a word that only begins alike is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from rapidfuzz import fuzz
from rapidfuzz.distance import Editop, Levenshtein

from redactlib.marks import Box, Point, Redaction
from redactlib.reading import PageText, TextLine

RELEASE_LINE = re.compile(r"(?i)approved\s*for\s*release|for\s*release:?\s*\d|sanitized\s*copy")
"""Lines that are laid over a page with a white ground, and so hide the edges of boxes below."""

BRACKETED = re.compile(
    r"(?i)[\[(][^\])]{0,40}?(?:not\s?declassified|deleted|redacted|excised|sanitized)[^\])]{0,20}[\])]"
    r"|[\[(][^\])]{0,40}?not\s?declassified|^\W*deleted\W*$"
)
PHRASE = re.compile(
    r"(?i)(?:[\[({|/]|(?<![a-z])[il1])\W{0,2}(?:(?:less than )?[\w½]{1,5}\s)?"
    r"(?:line|name|text|word|title|paragraph|page)s?\W{0,2}\s?n[o0ce][t:.!']?\W?\s{0,2}d"
)
"""How a worn ``[1 line not declassified]`` begins: its bracket may be read as a stroke."""
REST = "eclassified]"

WORDS = ("DELETED", "SANITIZED", "EXCISED", "REDACTED")
WORN = {"E": "FBLl", "T": "IFli", "I": "Tl", "Z": "z", "D": "OB", "L": "IEl", "S": "s", "C": "Gc"}
"""What letters are read as when a part of them is lost."""
NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}


@dataclass(frozen=True)
class StandInSettings:
    """How much of a worn word must be read."""

    small_min: int = 8  # small letters of a line amid which capitals stand for text
    head: int = 4  # letters of a word that are read as they are
    read_min: float = 0.55  # share of all its letters that are
    likeness: float = 65.0  # per cent, of a line's best part to a word; lower, and it is not looked at
    lost: dict[str, int] = field(
        default_factory=lambda: {"DELETED": 2, "EXCISED": 1, "REDACTED": 2, "SANITIZED": 3}, hash=False
    )
    short_min: int = 2  # small letters beside DELETED, which no stamp says
    row_heights: float = 8.0  # heights of a line between a word and the line that it stands in
    alike: tuple[float, float] = (0.6, 1.6)  # their heights, one by the other


def find_stand_ins(text: PageText, *, settings: StandInSettings = StandInSettings()) -> list[Redaction]:
    """The places of words that stand for text.

    >>> find_stand_ins(PageText())
    []
    """
    found = []
    for line in text.lines:
        for start, stop in _spans(line, text.lines, settings):
            box, words = _place(line, start, stop), line.text[start:stop]
            said = re.search(r"(?i)(\d+|" + "|".join(NUMBERS) + r")[\s\w½]{0,8}?\s?line", words)
            found.append(
                Redaction(
                    box=box,
                    style="textual",
                    confidence=round(line.confidence, 3),
                    polygon=corners(box),
                    lines=(NUMBERS.get(said[1].lower()) or int(said[1])) if said else None,
                    evidence={"words": words},
                )
            )
    return found


def _spans(line: TextLine, lines: Sequence[TextLine], settings: StandInSettings) -> list[tuple[int, int]]:
    """Where in a line such words stand."""
    bracketed = [m.span() for m in BRACKETED.finditer(line.text)]
    if bracketed or RELEASE_LINE.search(line.text):
        return bracketed
    if m := PHRASE.search(line.text):
        end = fuzz.partial_ratio_alignment(REST, line.text[m.end() : m.end() + 2 * len(REST)])
        return [(m.start(), m.end() + (end.dest_end if end else 0))]
    small = sum(map(str.islower, line.text))
    if small >= settings.small_min or _is_in_row(line, lines, settings):
        return list(_capitals(line.text, WORDS, settings))
    return list(_capitals(line.text, WORDS[:1], settings)) if small >= settings.short_min else []


def _capitals(text: str, words: Sequence[str], settings: StandInSettings) -> Iterator[tuple[int, int]]:
    """Where words stand in capitals."""
    for word in words:
        if fuzz.partial_ratio(word, text.upper(), score_cutoff=settings.likeness):
            spans = [*_by_head(text, word, settings), *_worn(text, word, settings)]
            yield from spans[:1]


def _by_head(text: str, word: str, settings: StandInSettings) -> Iterator[tuple[int, int]]:
    """Where the head of a word is whole, and what is wrong behind it are small letters that ran into it."""
    for m in re.finditer(word[: settings.head], text, re.IGNORECASE):
        piece = text[m.start() : m.start() + len(word)]
        right = [a.upper() == b for a, b in zip(piece, word, strict=False)]
        foreign = any(a.isupper() and not ok for a, ok in zip(piece, right, strict=False))
        capitals = sum(map(str.isupper, piece[: settings.head]))
        whole = not foreign and len(piece) == len(word) and " " not in piece
        if whole and capitals >= settings.head - 1 and sum(right) >= settings.read_min * len(word):
            yield m.start(), m.start() + len(word)


def _worn(text: str, word: str, settings: StandInSettings) -> Iterator[tuple[int, int]]:
    """Where a few letters of a word are lost, or read as others that look like them when worn."""
    for start in (m.start() for m in re.finditer(r"(?<![A-Z])[A-Z]", text)):
        for length in range(len(word) + 1, len(word) - settings.lost[word] - 1, -1):
            piece = text[start : start + length]
            ops = Levenshtein.editops(word, piece)
            if (
                len(piece) == length
                and len(ops) <= settings.lost[word]
                and all(_is_wear(op, word, piece) for op in ops)
            ):
                if not text[start + length : start + length + 1].isupper():  # the end of a longer word
                    yield start, start + length
                return


def _is_wear(op: Editop, word: str, piece: str) -> bool:
    """Whether an edit is what wear does: no capital comes to a word that is none of its own."""
    if op.tag == "delete":
        return True
    char = piece[op.dest_pos]
    return not char.isalpha() or (op.tag == "replace" and char in WORN.get(word[op.src_pos], ""))


def _is_in_row(line: TextLine, lines: Sequence[TextLine], settings: StandInSettings) -> bool:
    """Whether a word stands in a row with a line in small letters of its own height: stamps and legends do not."""
    if not any(word[: settings.head] in line.text for word in WORDS):
        return False
    x0, y0, x1, y1 = line.box
    low, high = settings.alike
    return any(
        sum(map(str.islower, t.text)) >= settings.small_min
        and low < t.height / max(line.height, 1.0) < high
        and min(y1, t.box[3]) - max(y0, t.box[1]) > 0.5 * min(y1 - y0, t.box[3] - t.box[1])
        and max(t.box[0] - x1, x0 - t.box[2]) < settings.row_heights * line.height
        for t in lines
    )


def corners(box: Box) -> tuple[Point, ...]:
    """The four corners of a box, clockwise from the top left."""
    x0, y0, x1, y1 = box
    return ((x0, y0), (x1, y0), (x1, y1), (x0, y1))


def _place(line: TextLine, start: int, stop: int) -> Box:
    """Box of some characters of a line, which may lean."""
    half = 0.5 / max(1, len(line.text))
    places = line.reading.centres[start:stop] or (half, 1 - half)
    along = np.array([[max(0.0, places[0] - half)], [min(1.0, places[-1] + half)]])
    top_left, top_right, bottom_right, bottom_left = line.corners
    top, bottom = top_left + along * (top_right - top_left), bottom_left + along * (bottom_right - bottom_left)
    trim = 0.12 * (bottom - top)  # lines are found with some paper around them
    points = np.concatenate([top + trim, bottom - trim])
    (x0, y0), (x1, y1) = points.min(0), points.max(0)
    return (round(x0), round(y0), round(x1), round(y1))
