"""What pens do to typed words: brackets, strikes, insertions with carets, underlines, notes and signatures."""

from __future__ import annotations

import numpy as np

from .sheet import Sheet, Word
from .wording import fill

_INSERTS = (
    "not",
    "at once",
    "in principle",
    "the Government of",
    "fully",
    "on his own",
    "as agreed",
    "if possible",
    "and its allies",
)
_NOTES = (
    "OK",
    "no",
    "see file",
    "why?",
    "copy to {name}",
    "hold",
    "who is this?",
    "discuss w/ {name}",
    "file",
    "noted",
)


def bracket_words(sheet: Sheet, *, words: list[Word], struck: bool = False) -> None:
    """Draws square brackets round words, as a reviewer does; ``struck`` crosses both out again."""
    if not words:
        return
    canvas, rng = sheet.canvas, sheet.rng
    text = " ".join(w.text for w in words)
    pen = max(sheet.hand.pen_mm, float(rng.choice([0.4, 0.6, 0.9])))
    arm = float(rng.uniform(0.08, 0.2))
    for side, x, y, out in (
        ("open", words[0].x0 - 0.03, words[0].y, 1),
        ("close", words[-1].x1 + 0.01, words[-1].y, -1),
    ):
        top, bottom = y - float(rng.uniform(0.15, 0.21)), y + float(rng.uniform(0.03, 0.09))
        lean, foot = float(rng.normal(0, 0.012)), arm * float(rng.uniform(0.3, 1.0))
        points = np.array(
            [
                [x + out * arm, top],
                [x + lean, top],
                [x, (top + bottom) / 2],
                [x - lean, bottom],
                [x + out * foot, bottom],
            ]
        )
        points += rng.normal(0, 0.005, points.shape)
        with canvas.mark("bracket", side=side, form="drawn", words=text, **({"struck": "yes"} if struck else {})):
            canvas.stroke(points, width_mm=pen)
        if struck:
            with canvas.mark("handwriting", role="strike"):
                for a, b in ((top, bottom), (bottom, top)):
                    canvas.stroke(np.array([[x - 0.06, a], [x + 0.08, b]]) + rng.normal(0, 0.01, (2, 2)), width_mm=pen)
    if rng.random() < 0.3:
        level = str(rng.choice(["(S)", "(C)", "(u)"]))
        with canvas.mark("handwriting", role="mark", text=level):
            canvas.write(level, words[-1].x1 + 0.05, words[-1].y - 0.08, hand=sheet.hand, height=0.14)


def strike_words(sheet: Sheet, *, words: list[Word]) -> None:
    """Strikes words out: one line, two, or a scribble."""
    if not words:
        return
    canvas, rng = sheet.canvas, sheet.rng
    x0, x1, y = words[0].x0 - 0.03, words[-1].x1 + 0.04, words[0].y - 0.055
    with canvas.mark("handwriting", role="strike", words=" ".join(w.text for w in words)):
        if rng.random() < 0.25:
            xs = np.linspace(x0, x1, max(6, int((x1 - x0) * 16)))
            ys = y + 0.05 * np.where(np.arange(xs.size) % 2, 1, -1) + rng.normal(0, 0.008, xs.size)
            canvas.stroke(np.column_stack((xs, ys)), width_mm=sheet.hand.pen_mm)
            return
        for k in range(int(rng.choice([1, 1, 2]))):
            xs = np.linspace(x0, x1, 10)
            ys = y + k * 0.04 + np.cumsum(rng.normal(0, 0.004, 10)) + rng.normal(0, 0.01)
            canvas.stroke(np.column_stack((xs, ys)), width_mm=sheet.hand.pen_mm)


def insert_words(sheet: Sheet, *, words: list[Word], text: str | None = None, caret: bool = True) -> None:
    """Writes words above the line, with a caret below them: after the first of ``words``, or over struck ones."""
    if not words:
        return
    canvas, rng = sheet.canvas, sheet.rng
    text = text or str(rng.choice(_INSERTS))
    x, y = words[0].x1 + 0.03, words[0].y
    if not caret:
        x = words[0].x0
    height = min(0.13, 0.5 * sheet.leading)
    with canvas.mark("handwriting", role="insertion", text=text):
        canvas.write(text, x - (0.1 if caret else 0.0), y - 0.165, hand=sheet.hand, height=height)
        if caret:
            points = np.array([[x - 0.05, y + 0.05], [x, y - 0.04], [x + 0.05, y + 0.05]]) + rng.normal(
                0, 0.006, (3, 2)
            )
            canvas.stroke(points, width_mm=sheet.hand.pen_mm)


def underline_words(sheet: Sheet, *, words: list[Word]) -> None:
    """A pen line under words."""
    if not words:
        return
    xs = np.linspace(words[0].x0, words[-1].x1, 8)
    ys = words[0].y + 0.035 + np.cumsum(sheet.rng.normal(0, 0.003, 8))
    with sheet.canvas.mark("handwriting", role="mark"):
        sheet.canvas.stroke(np.column_stack((xs, ys)), width_mm=sheet.hand.pen_mm)


def margin_note(sheet: Sheet) -> None:
    """A word or two in the left margin, now and then with a side-line."""
    if not sheet.words:
        return
    canvas, rng = sheet.canvas, sheet.rng
    word = sheet.words[int(rng.integers(len(sheet.words)))]
    text = fill(str(rng.choice(_NOTES)), rng)[: max(2, int((sheet.left - 0.3) / 0.1))]
    with canvas.mark("handwriting", role="marginal", text=text):
        canvas.write(text, max(0.15, sheet.left - 0.25 - 0.11 * len(text)), word.y, hand=sheet.hand, height=0.16)
    if rng.random() < 0.4:
        ys = np.linspace(word.y - 0.15, min(word.y + 0.6, canvas.shape[0] / canvas.dpi - 0.3), 8)
        xs = sheet.left - 0.12 + np.cumsum(rng.normal(0, 0.004, 8))
        with canvas.mark("handwriting", role="mark"):
            canvas.stroke(np.column_stack((xs, ys)), width_mm=sheet.hand.pen_mm)


def sign(sheet: Sheet, *, x: float, y: float) -> None:
    """A signature that nobody can read."""
    with sheet.canvas.mark("handwriting", role="signature"):
        sheet.canvas.scrawl(x, y, hand=sheet.hand, height=float(sheet.rng.uniform(0.25, 0.6)))


def write_note(sheet: Sheet, *, x: float, y: float, text: str | None = None) -> None:
    """A filing note in a free corner: a number, a date, a name."""
    rng = sheet.rng
    text = text or str(
        rng.choice(
            [
                f"{rng.integers(50, 200)}-{rng.integers(1000, 99999)}",
                f"{rng.integers(1, 13)}/{rng.integers(1, 29)}/{rng.integers(60, 99)}",
                fill("{name}", rng),
                f"Box {rng.integers(1, 40)}",
            ]
        )
    )
    with sheet.canvas.mark("handwriting", role="note", text=text):
        sheet.canvas.write(text, x, y, hand=sheet.hand, height=float(rng.uniform(0.15, 0.26)))
