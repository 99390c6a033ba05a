"""Handwriting from pen strokes: a small alphabet of polylines that no two hands, and no two letters, draw alike.

Glyphs stand on a baseline at y = 0, y up, capitals 10 high; a stroke is a row of points, ``~`` before it bends it into
a curve (Catmull-Rom). Several variants of a glyph are several ways people write it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_GLYPHS: dict[str, tuple[str, ...]] = {
    "0": ("~3,10 1,8 0,4 1,0 3,0 5,2 5,7 4,10 3,10", "~4,9 2,10 0,6 0,2 2,0 5,3 5,8 3,10 2,9"),
    "1": ("1,10 1,0", "2,10 0,0", "0,8 2,10 2,0"),
    "2": ("~0,8 1,10 4,10 5,7 3,4 0,0 2,1 5,0", "~0,8 2,10 4,9 4,6 1,1 0,0 1,2 3,0 5,1"),
    "3": ("~0,9 2,10 4,9 4,7 2,5 4,5 5,3 4,0 1,0 0,1", "0,10 4,10 2,6;~2,6 5,5 5,1 2,0 0,1"),
    "4": ("0,10 0,5 5,5;4,10 4,0", "4,0 4,10 0,4 6,4", "~1,10 0,5 1,5;1,5 5,5;~5,8 4,4 4,-1"),
    "5": ("1,10 0,5;~0,5 3,6 5,4 4,1 1,0 0,1;1,10 5,10", "~4,10 1,10 1,6 3,6 4,3 3,0 0,0"),
    "6": ("~4,10 1,7 0,3 1,0 4,0 5,3 3,5 0,3", "~3,10 0,5 0,1 3,0 4,2 3,4 1,3"),
    "7": ("0,10 5,10 2,0", "0,9 0,10 5,10 1,0", "0,10 5,10 2,0;1,5 4,5"),
    "8": ("~5,9 2,10 0,8 2,5 5,3 4,0 1,0 0,2 3,5 5,8 4,10", "~3,5 1,7 2,10 4,10 4,7 2,5 0,2 2,0 4,1 4,4 3,5"),
    "9": ("~5,8 3,10 0,8 1,5 4,6 5,9;5,9 4,0", "~4,9 2,10 0,7 2,5 4,7 5,10 4,4 2,0"),
    "A": ("0,0 3,10 6,0;1,4 5,4", "~0,0 2,8 4,10 5,5 5,0;1,4 5,4"),
    "B": ("1,0 1,10;~0,10 4,10 4,6 1,5;~1,5 5,5 5,1 0,0",),
    "C": ("~5,8 3,10 0,7 0,3 2,0 5,1",),
    "D": ("1,0 1,10;~0,10 4,9 5,5 4,1 0,0",),
    "E": ("5,10 0,10 0,0 5,0;0,5 4,5", "~4,9 2,10 0,8 2,5 0,3 2,0 5,1"),
    "F": ("0,0 0,10 5,10;0,5 4,5",),
    "G": ("~5,8 3,10 0,7 0,2 3,0 5,2 5,4;3,4 6,4",),
    "H": ("0,0 0,10;5,0 5,10;0,5 5,5",),
    "I": ("1,0 1,10", "0,0 3,0;0,10 3,10;2,0 2,10"),
    "J": ("~4,10 4,2 2,0 0,2;2,10 6,10", "~4,10 4,1 2,-1 0,1"),
    "K": ("0,0 0,10;5,10 0,5 5,0",),
    "L": ("0,10 0,0 5,0", "~3,9 2,10 1,6 0,0 5,0"),
    "M": ("0,0 0,10 3,3 6,10 6,0", "~0,0 1,9 3,4 5,10 6,0"),
    "N": ("0,0 0,10 5,0 5,10", "~0,0 1,10 4,1 5,10"),
    "O": ("~3,10 0,7 0,2 3,0 6,3 6,8 3,10 2,9",),
    "P": ("0,0 0,10;~0,10 4,10 5,7 3,5 0,5",),
    "Q": ("~3,10 0,7 0,2 3,0 6,3 6,8 3,10;4,3 7,-1",),
    "R": ("0,0 0,10;~0,10 5,10 5,6 0,5;1,5 5,0",),
    "S": ("~5,9 3,10 0,8 1,6 4,4 5,2 3,0 0,1",),
    "T": ("3,0 3,10;0,10 6,10", "~0,9 3,10 6,10;~3,10 3,2 2,0"),
    "U": ("~0,10 0,2 2,0 5,2 5,10;5,10 5,0", "~0,10 0,2 3,0 5,3 5,10"),
    "V": ("0,10 3,0 6,10",),
    "W": ("0,10 1,0 3,7 5,0 7,10",),
    "X": ("0,10 5,0;5,10 0,0",),
    "Y": ("0,10 3,5;6,10 1,-1",),
    "Z": ("0,10 5,10 0,0 5,0", "0,10 5,10 0,0 5,0;1,5 4,5"),
    "a": ("~4,5 2,6 0,4 0,1 2,0 4,3 4,6;~4,6 4,1 5,0",),
    "b": ("~0,10 0,0;~0,3 2,6 4,4 4,1 2,0 0,1",),
    "c": ("~4,5 2,6 0,3 1,0 4,1",),
    "d": ("~4,4 2,6 0,3 1,0 4,2;4,11 4,0",),
    "e": ("~0,3 4,3 3,6 1,6 0,3 1,0 4,1",),
    "f": ("~4,10 2,10 2,5 1,-2;0,5 4,5",),
    "g": ("~4,5 2,6 0,4 1,1 4,3;~4,6 4,-2 2,-4 0,-2",),
    "h": ("0,10 0,0;~0,4 2,6 4,5 4,0",),
    "i": ("1,5 1,0;1,8 1,8.6",),
    "j": ("~2,5 2,-2 0,-3;2,8 2,8.6",),
    "k": ("0,10 0,0;4,6 0,3 4,0",),
    "l": ("~1,10 0,4 1,0 2,1", "1,10 1,0"),
    "m": ("0,6 0,0;~0,4 2,6 3,5 3,0;~3,4 5,6 6,5 6,0",),
    "n": ("0,6 0,0;~0,4 2,6 4,5 4,0",),
    "o": ("~2,6 0,4 0,1 2,0 4,2 4,5 2,6",),
    "p": ("0,6 0,-4;~0,4 2,6 4,4 3,1 0,1",),
    "q": ("~4,5 2,6 0,3 1,0 4,2;4,6 4,-4",),
    "r": ("0,6 0,0;~0,3 2,6 4,5", "~0,5 1,6 1,3 1,0;~1,3 3,6 4,6"),
    "s": ("~4,5 2,6 0,5 3,3 4,1 1,0 0,1", "~0,0 3,6 4,2 2,0 0,1"),
    "t": ("~2,9 2,1 4,0;0,6 4,6",),
    "u": ("~0,6 0,1 2,0 4,3;4,6 4,0",),
    "v": ("0,6 2,0 4,6",),
    "w": ("~0,6 1,0 3,4 5,0 6,6",),
    "x": ("0,6 4,0;4,6 0,0",),
    "y": ("0,6 2,1;~4,6 2,-2 0,-4", "~0,6 1,1 4,3;~4,6 3,-3 0,-3"),
    "z": ("0,6 4,6 0,0 4,0",),
    "-": ("0,4 4,4.4", "0,4.6 3,4"),
    "/": ("0,-1 4,11", "0,-2 3,11"),
    "|": ("1,-1 1,11",),
    ".": ("0,0 0.6,0.4",),
    ",": ("1,1 0,-2",),
    "'": ("0,10 0,8",),
    "(": ("~3,11 0,7 0,3 3,-1",),
    ")": ("~0,11 3,7 3,3 0,-1",),
    "&": ("~5,0 1,7 2,10 4,9 0,3 1,0 5,4",),
    "#": ("1,0 2,9;4,0 5,9;0,3 6,3;0,6 6,6",),
    "+": ("0,5 5,5;2.5,8 2.5,2",),
    "=": ("0,3 5,3;0,6 5,6",),
    ":": ("0,1 0.5,1.4;0,5 0.5,5.4",),
    "?": ("~0,9 2,10 4,8 2,5 2,3;2,0 2,0.6",),
}


@dataclass(frozen=True, kw_only=True)
class Hand:
    """How one person writes: drawn once a hand, so that a note looks like its neighbours."""

    slant: float
    width: float
    wobble: float
    spacing: float
    pen_mm: float
    font: str | None


def draw_hand(rng: np.random.Generator, *, fonts: tuple[str, ...] = ()) -> Hand:
    """A hand at random: ball pen to felt tip, upright to steep; now and then one of ``fonts`` in place of strokes."""
    return Hand(
        slant=float(rng.normal(0.22, 0.14)),
        width=float(rng.uniform(0.75, 1.3)),
        wobble=float(rng.uniform(0.15, 0.5)),
        spacing=float(rng.uniform(1.2, 3.6)),
        pen_mm=float(rng.choice([0.25, 0.35, 0.45, 0.6], p=[0.25, 0.35, 0.25, 0.15])),
        font=str(rng.choice(fonts)) if fonts and rng.random() < 0.4 else None,
    )


def write(text: str, hand: Hand, rng: np.random.Generator) -> list[np.ndarray]:
    """Pen strokes of a line of writing.

    Args:
        text: letters, figures and the common signs; what the alphabet lacks is left out like a space.

    Returns:
        Polylines float ``(n, 2)``, x to the right from 0, y down, the baseline at 0, capitals 10 high.

    >>> strokes = write("4-6-88", draw_hand(np.random.default_rng(1)), np.random.default_rng(2))
    >>> len(strokes) >= 6
    True
    """
    strokes, x = [], 0.0
    for char in text:
        variants = _GLYPHS.get(char)
        if variants is None:
            x += 4 * hand.width
            continue
        lift, size = rng.normal(0, 0.45), 1 + rng.normal(0, 0.08)
        widest = 0.0
        for row in str(rng.choice(variants)).split(";"):
            points = np.array([[float(v) for v in p.split(",")] for p in row.lstrip("~").split()])
            points = points * (hand.width * size, size) + rng.normal(0, hand.wobble, points.shape)
            widest = max(widest, float(points[:, 0].max()))
            line = _curve(points) if row.startswith("~") else points
            strokes.append(np.column_stack((x + line[:, 0] + hand.slant * line[:, 1], -(line[:, 1] + lift))))
        x += widest + hand.spacing * float(rng.uniform(0.6, 1.3))
    return strokes


def scrawl(rng: np.random.Generator, *, loops: int) -> list[np.ndarray]:
    """Pen strokes of a signature that nobody can read: tall first letter, loops that flatten out, a trailing line."""
    t = np.linspace(0, 1, 24 * loops)
    height = 8 * (1 - t) ** 1.5 + 2
    phase = 2 * np.pi * loops * t + rng.uniform(0, 6)
    x = 30 * t + rng.uniform(2, 4) * np.sin(phase * rng.uniform(0.9, 1.1))
    y = -height * np.abs(np.sin(phase / 2 + rng.uniform(0, 1))) + rng.normal(0, 0.15, t.size)
    strokes = [np.column_stack((x, y))]
    if rng.random() < 0.6:
        strokes.append(np.array([[2.0, rng.uniform(0, 3)], [20.0, rng.uniform(-2, 2)], [38.0, rng.uniform(-6, -1)]]))
    return strokes


def _curve(points: np.ndarray) -> np.ndarray:
    """A smooth line through points (Catmull-Rom, six steps a span)."""
    p = np.vstack((2 * points[0] - points[1], points, 2 * points[-1] - points[-2]))
    t = np.linspace(0, 1, 6, endpoint=False)[:, None]
    spans = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False)
    ]
    return np.vstack([*spans, points[-1:]])
