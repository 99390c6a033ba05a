"""Square brackets, drawn and typed: found, paired in reading order, with the text between them.

Drawn ones are centre points with a size on the ink model's maps (after CenterNet, Zhou et al. 2019); where the model is
missing, upright strokes with an arm at both ends. Typed ones come from the readings. Four families are told apart:
brackets of the drafter, of the reviewer round text that he kept, round text that was cut out, and of an editor.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from redactlib.layers import Layers, darkness
from redactlib.marks import Bracket, iou
from redactlib.reading import PageText
from redactlib.scan import Scan

EDITORIAL = re.compile(r"not declassified|omitted|illegible|sic\b|footnote|handwritten|signed", re.IGNORECASE)
"""What historians and editors write between their own brackets (annotations.md, section 4)."""


@dataclass(frozen=True)
class BracketSettings:
    """When heat is a bracket, and what a bracket looks like without a model; heights in lines of type."""

    heat_min: float = 0.35
    heat_read_min: float = 0.15  # enough where the reader, too, sees a bracket
    same_iou: float = 0.3  # two finds that overlap so much are one bracket
    typed_confidence: float = 0.8  # of the line in which a typed bracket is read
    height_min_lines: float = 1.0  # a bracket drawn round type is taller than its capitals ...
    height_max_lines: float = 12.0
    arm_min_lines: float = 0.15  # ... and has an arm at both ends,
    arm_max_lines: float = 1.2
    back_max_lines: float = 0.1  # none on its back
    lean_max: float = 0.3  # sideways for each step down
    pen_struck: float = 0.6  # share of the bracket's ink that is other pen strokes, when crossed out


def find_brackets(
    scan: Scan, layers: Layers | None, text: PageText, *, settings: BracketSettings = BracketSettings()
) -> tuple[Bracket, ...]:
    """Find the square brackets of a page.

    Args:
        scan: the page, upright.
        layers: its ink told apart, or ``None``: then by rules on upright strokes.
        text: its lines as read.
        settings: thresholds.

    Returns:
        brackets in reading order; ``pair`` is the partner's place in the tuple as text until the report numbers them.
    """
    read = list(_read_brackets(text, settings))
    drawn = _by_heat(layers, read, settings) if layers is not None else _by_strokes(scan, text, settings)
    typed = [
        b for b in read if b.confidence >= settings.typed_confidence and not any(_same(b, d, settings) for d in drawn)
    ]
    pitch = _pitch(text, scan)
    ordered = sorted([*drawn, *typed], key=lambda b: _reading_place(b, text, pitch))
    return _paired(ordered, text, pitch)


def _pitch(text: PageText, scan: Scan) -> float:
    heights = [line.height for line in text.lines if line.confidence > 0.7 and len(line.text) >= 4]
    return float(np.median(heights)) if len(heights) >= 3 else scan.dpi / 6


def _same(a: Bracket, b: Bracket, settings: BracketSettings) -> bool:
    ax, ay, bx, by = ((v[i] + v[i + 2]) / 2 for v in (a.box, b.box) for i in (0, 1))
    reach = max(a.box[3] - a.box[1], b.box[3] - b.box[1])
    return iou(a.box, b.box) > settings.same_iou or (abs(ax - bx) < 0.4 * reach and abs(ay - by) < 0.4 * reach)


def _read_brackets(text: PageText, settings: BracketSettings) -> Iterator[Bracket]:
    """Brackets that the reader saw in level lines, each as wide as a third of its line's height."""
    for line in text.lines:
        if abs(line.rotation_deg) > 8 or len(line.reading.centres) != len(line.text):
            continue
        x0, y0, x1, y1 = line.box
        for character, centre in zip(line.text, line.reading.centres, strict=True):
            if character in "[]":
                middle, half = x0 + centre * (x1 - x0), (y1 - y0) / 6
                box = (int(middle - half), y0, int(middle + half), y1)
                side = "open" if character == "[" else "close"
                yield Bracket(box=box, confidence=round(line.confidence, 3), side=side, form="typed")


def _by_heat(layers: Layers, read: Sequence[Bracket], settings: BracketSettings) -> list[Bracket]:
    """Peaks of the bracket heat, stronger ones first; what overlaps a stronger one is dropped."""
    peaks = []
    for side, heat in (("open", layers.bracket_open), ("close", layers.bracket_close)):
        top = (heat == cv2.dilate(heat, np.ones((5, 5), np.uint8))) & (heat >= 255 * settings.heat_read_min)
        for y, x in zip(*np.nonzero(top), strict=True):
            half_w, half_h = layers.bracket_size[y, x] / 2
            cx, cy = (x + 0.5) / layers.scale, (y + 0.5) / layers.scale
            box = (int(cx - half_w), int(cy - half_h), int(np.ceil(cx + half_w)), int(np.ceil(cy + half_h)))
            peaks.append(Bracket(box=box, confidence=round(float(heat[y, x]) / 255, 3), side=side, form="drawn"))
    kept: list[Bracket] = []
    for peak in sorted(peaks, key=lambda b: -b.confidence):
        seen = any(r.side == peak.side and _same(r, peak, settings) for r in read)
        if (peak.confidence >= settings.heat_min or seen) and not any(_same(peak, other, settings) for other in kept):
            kept.append(peak)
    return kept


def _by_strokes(scan: Scan, text: PageText, settings: BracketSettings) -> list[Bracket]:
    """Upright strokes taller than the type, beside or in a line of it, with an arm at both ends on one side."""
    dark, scale = darkness(scan)
    pitch = _pitch(text, scan) * scale
    ink = (dark > 90).astype(np.uint8)
    ink[cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((9, 9), np.uint8)) > 0] = 0
    tall = cv2.morphologyEx(
        cv2.dilate(ink, np.ones((1, 3), np.uint8)), cv2.MORPH_OPEN, np.ones((max(3, int(0.8 * pitch)), 1), np.uint8)
    )
    count, _, stats, _ = cv2.connectedComponentsWithStats(tall & ink, connectivity=8)
    lines = [tuple(v * scale for v in line.box) for line in text.lines if line.confidence > 0.7 and len(line.text) >= 3]
    found = []
    for x, y, w, h, _ in stats[1:count]:
        if not (settings.height_min_lines < h / pitch < settings.height_max_lines and w < 3 + settings.lean_max * h):
            continue
        if not any(b[1] < y + h / 2 < b[3] and b[0] - pitch < x < b[2] + pitch for b in lines):
            continue
        arms = {
            side: [_reach(ink, x + (w if side > 0 else -1), row, side, 1.5 * pitch) / pitch for row in (y, y + h - 1)]
            for side in (1, -1)
        }
        for side, name in ((1, "open"), (-1, "close")):
            front, back = arms[side], arms[-side]
            if (
                min(front) > settings.arm_min_lines
                and max(front) < settings.arm_max_lines
                and max(back) < settings.back_max_lines
            ):
                reach = int(max(front) * pitch)
                box = (x if side > 0 else x - reach, y, x + w + (reach if side > 0 else 0), y + h)
                x0, y0, x1, y1 = (int(v / scale) for v in box)
                found.append(Bracket(box=(x0, y0, x1, y1), confidence=0.4, side=name, form="drawn"))
    return found


def _reach(ink: np.ndarray, x: int, row: int, step: int, limit: float) -> float:
    """How far ink runs sideways from a point, in a band of five rows."""
    columns = np.arange(x, x + step * int(limit), step)
    columns = columns[(columns >= 0) & (columns < ink.shape[1])]
    inked = ink[max(0, row - 2) : row + 3, columns].any(0)
    return float(len(inked) if inked.all() else np.argmin(inked))


def _reading_place(bracket: Bracket, text: PageText, pitch: float) -> tuple[float, float]:
    """Where a bracket stands in the order of reading: an opening one at its first line, a closing one at its last."""
    x0, y0, x1, y1 = bracket.box
    y = y0 + min(0.7 * pitch, (y1 - y0) / 2) if bracket.side == "open" else y1 - min(0.7 * pitch, (y1 - y0) / 2)
    middles = [(line.box[1] + line.box[3]) / 2 for line in text.lines if line.confidence > 0.5 and len(line.text) >= 3]
    nearest = min(middles, key=lambda m: abs(m - y), default=y)
    return (round((nearest if abs(nearest - y) < pitch else y) / (0.7 * pitch)), (x0 + x1) / 2)


def _paired(ordered: Sequence[Bracket], text: PageText, pitch: float) -> tuple[Bracket, ...]:
    """Pair brackets like a reader, the innermost first; what stays open may close on another page."""
    partner: dict[int, int] = {}
    waiting: list[int] = []
    for i, bracket in enumerate(ordered):
        if bracket.side == "open":
            waiting.append(i)
        elif waiting:
            partner[i] = waiting.pop()
            partner[partner[i]] = i
    words = {i: _between(ordered[i], ordered[j], text, pitch) for i, j in partner.items() if i < j}
    marked = []
    for i, bracket in enumerate(ordered):
        inside = words.get(min(i, partner[i])) if i in partner else None
        pair = str(partner[i]) if i in partner else None
        marked.append(replace(bracket, pair=pair, text=inside, family=_family(bracket, inside)))
    return tuple(marked)


def _between(first: Bracket, last: Bracket, text: PageText, pitch: float) -> str:
    """The words between two brackets: right of the one on its first line, left of the other on its last."""
    top, bottom = _middle(first, pitch), _middle(last, pitch)
    left, right = (first.box[0] + first.box[2]) / 2, (last.box[0] + last.box[2]) / 2
    pieces = []
    for line in text.lines:
        y, (x0, _, x1, _) = (line.box[1] + line.box[3]) / 2, line.box
        if abs(line.rotation_deg) > 8 or not top - 0.6 * pitch < y < bottom + 0.6 * pitch:
            continue
        from_x = left if abs(y - top) < 0.6 * pitch else -np.inf
        to_x = right if abs(y - bottom) < 0.6 * pitch else np.inf
        centres = line.reading.centres
        if len(centres) == len(line.text):
            kept = [c for c, p in zip(line.text, centres, strict=True) if from_x < x0 + p * (x1 - x0) < to_x]
            pieces.append("".join(kept).strip(" []"))
        elif from_x < (x0 + x1) / 2 < to_x:
            pieces.append(line.text)
    return " ".join(filter(None, pieces))


def _middle(bracket: Bracket, pitch: float) -> float:
    _, y0, _, y1 = bracket.box
    half = min(0.7 * pitch, (y1 - y0) / 2)
    return y0 + half if bracket.side == "open" else y1 - half


def _family(bracket: Bracket, inside: str | None) -> str | None:
    """Which of the four kinds a bracket probably is, from its form and from what it holds."""
    if inside is None:
        return "reviewer" if bracket.form == "drawn" else None
    if bracket.form == "typed":
        return "editorial" if EDITORIAL.search(inside) else "drafter"
    return "reviewer" if sum(c.isalnum() for c in inside) >= 2 else "excision"
