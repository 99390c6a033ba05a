"""Redactions of every style, laid over typed words, with what they hide."""

from __future__ import annotations

import cv2
import numpy as np

from redactlib.marks import STYLES

from .canvas import Canvas
from .fonts import load
from .sheet import Sheet, Word

EDGE_IN = 0.12  # codes keep this far from the edge of the paper, where copies are black
_SUBSTITUTES = (
    "DELETED", "[DELETED]", "SANITIZED", "[1 line not declassified]", "[name not declassified]",
    "[less than 1 line not declassified]",
)  # fmt: skip
PRINTED_CODES = (
    "(b)(1)", "(b)(3)", "(b)(6)", "b6", "b7C", "b7D", "b7E", "B1", "B5", "B6", "1.4(c)", "1.4(d)", "1.4a", "3.3(h)(2)",
    "3.3(b)(1)", "3.5(c)", "25X1", "25X1A", "50X1-HUM", "STAT", "(b)(7)(C)", "P6/b(6)", "OSD 3.3(b)(1)", "6(1)(B)",
    "(b)(3)-P.L. 86-36",
)  # fmt: skip
HAND_CODES = (
    "B5", "(b)(1)", "B1", "(1)(B)", "(1)(A)", "b7C", "b7D", "25X1", "25X6", "(b)(5)", "JFK(1)(B)", "6(1)(B)",
)  # fmt: skip


def hide_words(
    sheet: Sheet, style: str, *, words: list[Word], legible: bool | None = None
) -> tuple[float, float, float, float] | None:
    """Redacts neighbouring words of one line and notes how many characters that hides; returns the box in inches."""
    if not words:
        return None
    pad = 0.02 + abs(float(sheet.rng.normal(0, 0.01)))
    box = (words[0].x0 - pad, words[0].y - 0.125 - pad / 4, words[-1].x1 + pad, words[0].y + 0.04 + pad / 4)
    cover(sheet, style, box, hidden=sheet.passage(words), legible=legible)
    return box


def hide_lines(sheet: Sheet, style: str, *, count: int) -> tuple[float, float, float, float] | None:
    """Redacts whole lines of the body; returns their box in inches, ``None`` if no such block is free.

    A passage is withheld for what it says: its lines are of one paragraph, or they are paragraphs from end to end.
    """
    starts = {sheet.lines}
    for word, last in zip(sheet.words, (None, *sheet.words), strict=False):
        if last is None or (
            word.line > last.line and (word.y - last.y > 1.3 * sheet.leading or word.x0 > sheet.left + 0.2)
        ):
            starts.add(word.line)
    blocks = [
        inside
        for first in range(sheet.lines - count + 1)
        if (starts.isdisjoint(range(first + 1, first + count)) or {first, first + count} <= starts)
        and (inside := [i for i, w in enumerate(sheet.words) if first <= w.line < first + count])
        and sheet.taken.isdisjoint(inside)
    ]
    if not blocks:
        return None
    inside = blocks[int(sheet.rng.integers(len(blocks)))]
    sheet.taken.update(inside)
    words = [sheet.words[i] for i in inside]
    by_line = [[w for w in words if w.line == line] for line in sorted({w.line for w in words})]
    # a pen, and now and then a black bar, takes line by line; all else covers the block
    apart = style == "marker" or (style == "solid" and sheet.rng.random() < 0.5)
    through = style == "marker" and bool(sheet.rng.random() < 0.4)
    for part in by_line if apart else [words]:
        hidden = sheet.passage(part)
        left = sheet.left if len(hidden) > 1 else part[0].x0
        box = (left - 0.05, part[0].y - 0.125, max(w.x1 for w in part) + 0.06, part[-1].y + 0.05)
        cover(sheet, style, box, hidden=hidden, legible=through)
    return (sheet.left - 0.05, words[0].y - 0.125, max(w.x1 for w in words) + 0.06, words[-1].y + 0.05)


def cover(
    sheet: Sheet,
    style: str,
    box: tuple[float, float, float, float],
    *,
    hidden: list[str],
    legible: bool | None = None,
) -> None:
    """Draws one redaction over a box (inches) in one of the styles of CONTRACT's vocabulary.

    Args:
        hidden: the lines of words that the box hides.
        legible: whether the words can be read through it (marker and shaded); ``None`` for chance.

    Raises:
        ValueError: no such style.
    """
    if style not in STYLES:
        raise ValueError(f"no redaction style {style!r}: give one of {', '.join(STYLES)}")
    canvas, rng = sheet.canvas, sheet.rng
    through = style in ("marker", "shaded") and bool(rng.random() < 0.5 if legible is None else legible)
    keys = {"style": style, "chars": sum(map(len, hidden)), "lines": len(hidden), "hidden": " ".join(hidden)}
    if through:
        keys["legible"] = "yes"
    if not through:
        canvas.erase(*box)
    with canvas.mark("redaction", **keys) as mark:
        if style == "solid":
            canvas.fill(*box)
        elif style == "marker":
            _marker(canvas, box, through=through)
        elif style == "outlined":
            canvas.frame(*box, width_mm=float(rng.choice([0.09, 0.17, 0.25])))
        elif style == "shaded":
            grey = np.full(_size(canvas, box), rng.uniform(0.4, 0.6), np.float32)
            canvas.fill(*box, tone=halftone(grey, rng=rng))
            if rng.random() < 0.5:
                canvas.frame(*box, width_mm=0.15)
        elif style == "hatched":
            canvas.fill(*box, tone=_hatching(canvas, box))
            canvas.frame(*box, width_mm=0.25)
        elif style == "cutout":
            _cutout(canvas, box)
        elif style == "textual":
            fitting = [s for s in _SUBSTITUTES if len(s) / sheet.pitch < box[2] - box[0] + 0.3] or ["DELETED"]
            x, y = box[0] + 0.03, (box[1] + box[3]) / 2 + 0.05
            sheet.type_line(str(rng.choice(fitting)), x, y)
        if style in ("whiteout", "cutout"):
            mark.points.append(np.array([[box[0], box[1]], [box[2], box[3]]]) * canvas.dpi)


def put_code(
    sheet: Sheet, box: tuple[float, float, float, float], *, code: str, place: str, by_hand: bool = False
) -> None:
    """Writes a code at a redaction: ``inside`` its box or in the right ``margin``, if that has room for it."""
    canvas, rng = sheet.canvas, sheet.rng
    size = float(rng.uniform(7.5, 11))
    shift = float(rng.uniform(0.15, 0.3)) if place == "margin" else 0.0
    face = "" if by_hand else str(rng.choice(sheet.fonts.sans))
    high = float(rng.uniform(0.14, 0.2)) if by_hand else size / 72
    wide = 0.15 * len(code) if by_hand else load(face, round(high * canvas.dpi)).getlength(code) / canvas.dpi
    if place == "inside":
        x, y = (box[0] + box[2]) / 2 - len(code) * size / 72 * 0.25, (box[1] + box[3]) / 2 + size / 72 * 0.35
    else:
        x, y = max(sheet.right + shift, box[2] + 0.06), (box[1] + box[3]) / 2 + 0.04
        x = min(x, canvas.shape[1] / canvas.dpi - EDGE_IN - wide)
        foot = _clear_baseline(canvas, x, y, wide, high)
        if foot is None:
            return
        y = foot
    if by_hand:
        with canvas.mark("code", code=code.replace(" ", ""), hand="yes"):
            canvas.write(code, x, y + 0.05, hand=sheet.hand, height=high)
    else:
        with canvas.mark("code", code=code.replace(" ", "")):
            canvas.text(code, x, y, face=face, size_pt=size)


def _clear_baseline(canvas: Canvas, x: float, y: float, wide: float, high: float) -> float | None:
    """The baseline nearest to y on which a line of this size finds clean paper: codes of one line stand in a stack.

    Inches; ``None`` where all is full.
    """
    columns = slice(round(x * canvas.dpi), round((x + wide) * canvas.dpi))
    for shift in (0.0, 0.6, -0.6, 1.2, -1.2, 1.8, -1.8, 2.4, -2.4, 3.0, -3.0):
        foot = y + shift * high
        rows = slice(max(0, round((foot - high) * canvas.dpi)), round((foot + 0.25 * high) * canvas.dpi))
        if not any(layer[rows, columns].any() for layer in canvas.layers.values()):
            return foot
    return None


def halftone(darkness: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    """The dots of a grey on a black-and-white copy.

    Args:
        darkness: float ``(h, w)``, 0..1: what part of each spot is inked.

    Returns:
        uint8 ``(h, w)``, 0 or 255.
    """
    h, w = darkness.shape
    period = float(rng.uniform(3.2, 5.0))  # pixels between the dots: the screen is the scanner's, not the page's
    y, x = np.mgrid[0:h, 0:w].astype(np.float32) * np.float32(np.sqrt(2) * np.pi / period)
    wave = np.cos(x + y) + np.cos(y - x)
    shares = np.linspace(0, 1, 33)
    levels = np.quantile(wave[:64, :1024], 1 - shares)
    return (wave > np.interp(darkness, shares, levels)).astype(np.uint8) * 255


def _size(canvas: Canvas, box: tuple[float, float, float, float]) -> tuple[int, int]:
    return int((box[3] - box[1]) * canvas.dpi) + 2, int((box[2] - box[0]) * canvas.dpi) + 2


def _marker(canvas: Canvas, box: tuple[float, float, float, float], *, through: bool) -> None:
    """The stroke of a broad chisel pen: slanted ends, wavy edges, dark at its rim.

    Where it lets the words ``through``, the copier has made a screen of its grey, with a white rim round the letters.
    """
    dpi, rng = canvas.dpi, canvas.rng
    n = 14
    xs = np.linspace(box[0] - rng.uniform(0, 0.06), box[2] + rng.uniform(0, 0.08), n)
    slope = rng.normal(0, 0.01) * np.linspace(-1, 1, n)
    top = box[1] + slope + np.cumsum(rng.normal(0, 0.004, n)) - rng.uniform(0, 0.02)
    bottom = box[3] + slope + np.cumsum(rng.normal(0, 0.004, n)) + rng.uniform(0, 0.015)
    slant = rng.normal(0, 0.03)
    edge = np.vstack((np.column_stack((xs + slant, top)), np.column_stack((xs - slant, bottom))[::-1])) * dpi
    left, over = (int(v) - 2 for v in np.floor(edge.min(axis=0)))
    wide, high = int(edge[:, 0].max()) + 3 - left, int(edge[:, 1].max()) + 3 - over
    mask = np.zeros((high, wide), np.uint8)
    cv2.fillPoly(mask, [np.rint(edge - (left, over)).astype(np.int32)], (255,))
    if through:
        patches = rng.uniform(0.25, 0.95, (3, max(3, wide * 3 // dpi))).astype(np.float32)
        screen = halftone(np.asarray(cv2.resize(patches, (wide, high), interpolation=cv2.INTER_LINEAR)), rng=rng)
        rim = cv2.subtract(mask, cv2.erode(mask, np.ones((3, 3), np.uint8), iterations=max(1, dpi // 150)))
        y, x = max(0, over), max(0, left)
        under = canvas.layers["print"][y : over + high, x : left + wide]
        letters = np.zeros_like(mask)
        letters[y - over :, x - left :][: under.shape[0], : under.shape[1]] = under > 127
        reach = 2 * max(1, round(0.008 * dpi)) + 1
        halo = cv2.dilate(letters, np.ones((reach, reach), np.uint8))
        tone = np.maximum(np.where(halo, 0, np.minimum(screen, mask)), rim)
    else:
        streaks = rng.random((high // 2 + 1, wide // 4 + 1), dtype=np.float32)
        grain = cv2.resize(streaks, (wide, high), interpolation=cv2.INTER_LINEAR)
        tone = np.where(grain < rng.uniform(0.75, 1.0), mask, 0)
    canvas.ink(("fill",), mask, left, over, tone=tone.astype(np.uint8))


def _hatching(canvas: Canvas, box: tuple[float, float, float, float]) -> np.ndarray:
    """Diagonal lines every 2 to 3 mm, or one cross from corner to corner."""
    h, w = _size(canvas, box)
    tone = np.zeros((h, w), np.uint8)
    thick = max(1, round(0.01 * canvas.dpi))
    if canvas.rng.random() < 0.3:
        cv2.line(tone, (0, 0), (w, h), 255, thick, cv2.LINE_AA)
        cv2.line(tone, (0, h), (w, 0), 255, thick, cv2.LINE_AA)
        return tone
    for start in range(-h, w, max(4, round(canvas.rng.uniform(0.05, 0.1) * canvas.dpi))):
        cv2.line(tone, (start, h), (start + h, 0), 255, thick, cv2.LINE_AA)
    return tone


def _cutout(canvas: Canvas, box: tuple[float, float, float, float]) -> None:
    """A pasted slip, a little askew: the copier sees the shadow of two or three of its edges."""
    jitter = canvas.rng.normal(0, 0.012, (4, 2))
    corners = np.array([[box[0], box[1]], [box[2], box[1]], [box[2], box[3]], [box[0], box[3]]]) + jitter
    edges = np.vstack((corners, corners[:1]))
    for i in canvas.rng.permutation(4)[: canvas.rng.integers(2, 4)]:
        canvas.stroke(edges[i : i + 2], width_mm=float(canvas.rng.uniform(0.1, 0.35)), layers=("ruling",))
