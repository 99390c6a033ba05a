"""A typed sheet: a canvas with the words that were typed on it, for edits and redactions to work on."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field

import numpy as np

from .canvas import Canvas
from .fonts import Fonts
from .pen import Hand


@dataclass(frozen=True)
class Word:
    """A typed word: inches, ``y`` its baseline; ``line`` counts the lines of the body from 0."""

    text: str
    line: int
    x0: float
    x1: float
    y: float


@dataclass(eq=False)
class Sheet:
    """What drawing a page needs: canvas, chance, type faces, the writer's hand, and the words typed so far."""

    canvas: Canvas
    rng: np.random.Generator
    fonts: Fonts
    hand: Hand
    face: str
    pitch: float
    leading: float
    left: float
    right: float
    proportional: bool = False
    size_pt: float = 11.0
    words: list[Word] = field(default_factory=list)
    taken: set[int] = field(default_factory=set)
    lines: int = 0

    def type_line(self, text: str, x: float, y: float, *, body: bool = False) -> None:
        """Types one line; its words join the sheet's words where it is of the body."""
        if self.proportional:
            self._set_line(text, x, y, body=body)
            return
        self.canvas.type(text, x, y, face=self.face, pitch=self.pitch, touch=float(self.rng.uniform(0.9, 1.0)))
        if body:
            start = 0
            for piece in text.split(" "):
                if piece:
                    x0 = x + start / self.pitch
                    self.words.append(Word(piece, self.lines, x0, x0 + len(piece) / self.pitch, y))
                start += len(piece) + 1
            self.lines += 1

    def _set_line(self, text: str, x: float, y: float, *, body: bool) -> None:
        gap = self.size_pt / 72 * 0.26
        for piece in text.split():
            wide = self.canvas.text(piece, x, y, face=self.face, size_pt=self.size_pt)
            if body:
                self.words.append(Word(piece, self.lines, x, x + wide, y))
            x += wide + gap
        self.lines += body

    def type_paragraph(self, text: str, y: float, *, indent: int = 5, until: float = 99.0) -> float:
        """Types a paragraph of the body from baseline y; returns the baseline after it. Stops at ``until``."""
        per_inch = self.pitch if not self.proportional else 72 / (self.size_pt * 0.47)
        columns = int((self.right - self.left) * per_inch)
        for row in textwrap.wrap(" " * indent + text, columns, drop_whitespace=True, fix_sentence_endings=False):
            if y > until:
                break
            lead = len(row) - len(row.lstrip())
            self.type_line(row.lstrip(), self.left + lead / per_inch, y, body=True)
            y += self.leading
        return y

    def passage(self, words: list[Word]) -> list[str]:
        """Words by line, with the spaces that stand between them as they were typed."""
        rows: dict[int, str] = {}
        for last, word in zip((None, *words), words, strict=False):
            if last is None or word.line != last.line:
                rows[word.line] = word.text
            else:
                spaces = 1 if self.proportional else round((word.x0 - last.x1) * self.pitch)
                rows[word.line] += " " * spaces + word.text
        return list(rows.values())

    def span(self, *, words: tuple[int, int] = (1, 4), phrase: str | None = None) -> list[Word]:
        """Free neighbouring words, taken out of the free ones: at random, or those of a phrase.

        Up to six words stand on one line, more may run on to the next.

        Returns an empty list where there are none left.

        Raises:
            ValueError: the phrase is not on one line of the sheet.
        """
        if phrase is not None:
            start, count = self._find(phrase.split()), len(phrase.split())
        else:
            count = int(self.rng.integers(words[0], words[1] + 1))
            starts = [i for i in range(len(self.words) - count + 1) if self._free(i, count)]
            if not starts:
                return []
            start = int(self.rng.choice(starts))
        self.taken.update(range(start - 1, start + count + 1))
        return self.words[start : start + count]

    def _free(self, start: int, count: int) -> bool:
        lines = self.words[start + count - 1].line - self.words[start].line
        return (lines == 0 or count > 6) and not any(i in self.taken for i in range(start, start + count))

    def _find(self, sought: list[str]) -> int:
        for i in range(len(self.words) - len(sought) + 1):
            if [w.text for w in self.words[i : i + len(sought)]] == sought and self.words[i].line == self.words[
                i + len(sought) - 1
            ].line:
                return i
        raise ValueError(f"the phrase {' '.join(sought)!r} does not stand on one line of the sheet")
