"""Insertions and struck words read once more, each by itself, with the larger model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from redactlib.marks import Handwriting, area, intersection
from redactlib.reading import Reader, Reading
from redactlib.scan import Scan


@dataclass(frozen=True)
class HandreadSettings:
    """What is cut out, and which reading counts; lengths in heights of a line of type."""

    margin: float = 0.15  # round writing: recognisers want paper about it
    inside_min: float = 0.6  # of a piece of ink in the box: less belongs to the line above or below
    level_max: float = 0.6  # a strike that is lower runs straight along the line, ...
    zigzag_max: float = 1.3  # ... one that is lower than this and wider than high winds along it; others cross several
    text_min: float = 0.7  # probability from which a reading is given ...
    hidden_min: float = 0.85  # ... of words under a zigzag, which looks like letters


def read_anew(
    marks: Sequence[Handwriting],
    scan: Scan,
    pitch: float,
    reader: Reader,
    *,
    settings: HandreadSettings = HandreadSettings(),
) -> list[Handwriting]:
    """Read insertions, and the words under strikes that run along a line.

    Args:
        marks: handwriting of the page.
        scan: the page, upright.
        pitch: height of a line of type in page pixels.
        reader: what reads crops.
        settings: sizes and thresholds.

    Returns:
        the marks with ``text`` of insertions, ``None`` where it is not sure, and ``struck_text`` of strikes;
        their ``evidence`` says what was read with what probability.
    """
    read = list(marks)
    strikes = [i for i, m in enumerate(marks) if m.role == "strike" and _runs_along(m, pitch, settings)]
    inserted = [i for i, m in enumerate(marks) if m.role == "insertion" and not m.evidence.get("caret")]
    crops = [_struck(marks[i], scan, pitch) for i in strikes]
    crops += [_written(marks[i], scan, pitch, settings) for i in inserted]
    for i, reading in zip(strikes + inserted, reader.read(crops, careful=True), strict=True):
        read[i] = _with_reading(marks[i], reading, pitch, settings)
    return read


def _runs_along(mark: Handwriting, pitch: float, settings: HandreadSettings) -> bool:
    x0, y0, x1, y1 = mark.box
    return y1 - y0 < settings.level_max * pitch or y1 - y0 < min(settings.zigzag_max * pitch, x1 - x0)


def _struck(mark: Handwriting, scan: Scan, pitch: float) -> np.ndarray:
    """The struck words alone: what stands before and behind them is not read with them."""
    x0, y0, x1, y1 = mark.box
    top = max(0, round((y0 + y1 - pitch) / 2))
    return scan.grey[top : top + round(pitch), x0:x1]


def _written(mark: Handwriting, scan: Scan, pitch: float, settings: HandreadSettings) -> np.ndarray:
    """An insertion without what reaches into its box from the lines above and below."""
    margin = round(settings.margin * pitch)
    x0, y0, x1, y1 = mark.box
    left, top = max(0, x0 - margin), max(0, y0 - margin)
    place = (slice(top, y1 + margin), slice(left, x1 + margin))
    grey = scan.grey[place].copy()
    count, labels, stats, _ = cv2.connectedComponentsWithStats(scan.ink[place].astype(np.uint8), connectivity=8)
    own = (x0 - left, y0 - top, x1 - left, y1 - top)
    boxes = [(int(x), int(y), int(x + w), int(y + h)) for x, y, w, h, _ in stats]
    foreign = [i for i in range(1, count) if intersection(boxes[i], own) < settings.inside_min * area(boxes[i])]
    grey[cv2.dilate(np.isin(labels, foreign).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0] = 255
    return grey


def _with_reading(mark: Handwriting, reading: Reading, pitch: float, settings: HandreadSettings) -> Handwriting:
    words = reading.text.strip() or None
    evidence = {**mark.evidence, "reading": words, "text_probability": round(reading.confidence, 3)}
    sure = words if reading.confidence >= settings.text_min else None
    if mark.role == "insertion":
        return replace(mark, text=sure, evidence=evidence)
    if mark.box[3] - mark.box[1] >= settings.level_max * pitch:
        hidden = words if reading.confidence >= settings.hidden_min else None
        return replace(mark, struck_text=hidden, evidence=evidence)
    return replace(mark, struck_text=sure or mark.struck_text, evidence=evidence)
