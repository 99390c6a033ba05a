"""Large worn lettering that no text detector sees: hollow, dotted, crossed-out levels, found as blots and then read.

A text detector trained on clean print passes over a stamp that came off in dots, or that a pen runs through. Closed to
a blot (closing, Serra 1982) its outline is still that of a line of large letters; whether it says a classification
level is then asked of the recogniser, which needs to answer no more than how probable each level is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from rapidfuzz import fuzz

from redactlib.catalogue.banners import STAMPED_CONTROLS, STAMPED_LEVELS
from redactlib.catalogue.markings import fold
from redactlib.detect.outline import padded, tight
from redactlib.detect.strike import is_struck
from redactlib.marks import Box, Stamp, area, intersection, union
from redactlib.reading import Reader, Reading, TextLine, likeliest_of
from redactlib.scan import Scan

LEVELS = (*STAMPED_LEVELS, "UNCLASSIFIED")
"""Levels that large lettering is asked for; it must nearly spell one, so DECLASSIFIED is not taken for the last."""


@dataclass(frozen=True)
class LetteringSettings:
    """What a blot of large letters measures, and how sure its reading must be."""

    px_per_mm: float = 4.0  # fine enough for letters of 3 mm, and small
    ink_min: tuple[float, ...] = (0.16, 0.08)  # of such a pixel: solid letters, then dotted ones
    gap_mm: tuple[float, ...] = (3.2, 5.5)  # between letters, closed
    blot_min_mm: float = 2.2  # what is smaller is a letter of the typing or dirt
    rule_mm: float = 22.0  # an unbroken run so long is a rule or a frame
    height_mm: tuple[float, float] = (3.0, 16.0)
    length_mm: tuple[float, float] = (10.0, 110.0)
    aspect: tuple[float, float] = (2.0, 14.0)
    word_gap: float = 1.4  # between blots of one line, in their heights
    read_min: float = 0.9  # confidence of lines that are no worn stamp
    read_chars: int = 4
    edge_share: float = 0.12  # of the page's height: head and foot, where levels stand
    middle: tuple[float, float] = (0.3, 0.7)  # of its width
    blots_max: int = 12  # read a page, about 6 ms each
    margin: float = 0.12  # of the height; it is read with and without
    maybe_max: float = 3.4  # nats a letter by which a level may be less probable than the quick reader's guess
    said_max: float = 0.75  # than the careful reader's
    loose_min: float = 1.4  # a banner's box so much larger than the level in it is drawn anew
    alike_min: float = 0.64  # and the guess must share so many letters with it


def with_worn_levels(
    scan: Scan,
    pieces: Sequence[TextLine],
    stamps: Sequence[Stamp],
    banners: Sequence[Stamp],
    reader: Reader,
    *,
    settings: LetteringSettings = LetteringSettings(),
) -> list[Stamp]:
    """Banners, and the classification levels in lettering that was not found as text.

    Args:
        scan: the page, upright.
        pieces: its lines as read; what was read without doubt is left out.
        stamps, banners: what was found; a caption close under a worn level becomes part of it.
        reader: says how probable a level is.
    """
    boxes = [
        box
        for box in find_blots(scan, pieces, settings)
        if not any(_overlap(box, s.box) for s in stamps)
        and not any(_overlap(box, b.box) and area(b.box) < settings.loose_min * area(box) for b in banners)
    ]
    quick = reader.read([_crop(scan, box, settings.margin) for box in boxes])
    likely = [box for box, reading in zip(boxes, quick, strict=True) if _level(reading)[0] < settings.maybe_max]
    readings = reader.read([_crop(scan, box, m) for box in likely for m in (0.0, settings.margin)], careful=True)
    found: list[tuple[float, str, Box]] = []
    for box, pair in zip(likely, zip(readings[::2], readings[1::2], strict=True), strict=True):
        odds, level = min(_level(reading) for reading in pair)
        alike = max(fuzz.ratio(fold(level)[0], fold(reading.text)[0]) for reading in pair) / 100
        if odds < settings.said_max and alike >= settings.alike_min:
            found.append((odds, level, box))
    found.sort()
    best = [f for i, f in enumerate(found) if not any(_overlap(f[2], other[2]) for other in found[:i])]
    rest = list(banners)
    for odds, level, box in best:
        loose = [b for b in rest if _overlap(box, b.box)]
        if any(b.evidence["words"] != [level] for b in loose):
            continue
        captions = [b for b in rest if not set(LEVELS) & set(b.evidence["words"]) and _close(box, b.box)]
        rest = [b for b in rest if b not in (*captions, *loose)] + [_stamp(scan, odds, level, box, captions)]
    return rest


def find_blots(scan: Scan, pieces: Sequence[TextLine], settings: LetteringSettings = LetteringSettings()) -> list[Box]:
    """Boxes of blots that may be a line of large letters, the most like one first."""
    unit = settings.px_per_mm
    scale = unit / scan.mm(1.0)
    ink_255 = scan.ink.view(np.uint8) * np.uint8(255)
    share = cv2.resize(ink_255, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    for piece in pieces:
        if piece.confidence >= settings.read_min and len(piece.text) >= settings.read_chars:
            cv2.fillPoly(share, [np.round(piece.corners * scale).astype(np.int32)], 0)
    found: list[Box] = []
    for ink_min, gap_mm in zip(settings.ink_min, settings.gap_mm, strict=True):
        ink: np.ndarray = (share > 255 * ink_min).astype(np.uint8)
        run = round(settings.rule_mm * unit)
        for kernel in (np.ones((1, run), np.uint8), np.ones((run, 1), np.uint8)):
            ink = cv2.subtract(
                ink, cv2.dilate(cv2.morphologyEx(ink, cv2.MORPH_OPEN, kernel), np.ones((3, 3), np.uint8))
            )
        ink = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((3, round(gap_mm * unit)), np.uint8))
        blot = round(settings.blot_min_mm * unit)
        ink = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((blot, blot), np.uint8))
        _, _, stats, _ = cv2.connectedComponentsWithStats(ink)
        high = [s for s in stats[1:] if settings.height_mm[0] <= s[3] / unit <= settings.height_mm[1]]
        blots = [(int(x), int(y), int(x + w), int(y + h)) for x, y, w, h, _ in high]
        for box in [*blots, *_side_by_side(blots, settings)]:
            wide, tall = box[2] - box[0], box[3] - box[1]
            fits = settings.length_mm[0] <= wide / unit <= settings.length_mm[1]
            if fits and settings.aspect[0] <= wide / tall <= settings.aspect[1]:
                found.append(tuple(round(v / scale) for v in box))  # type: ignore[arg-type]
    return sorted(dict.fromkeys(found), key=lambda box: (not _at_edge(scan, box, settings), box[1] - box[3]))[
        : settings.blots_max
    ]


def _at_edge(scan: Scan, box: Box, settings: LetteringSettings) -> bool:
    """Whether a blot stands at head or foot, not far from the middle, as levels do."""
    reach, left, right = settings.edge_share * scan.height, *(v * scan.width for v in settings.middle)
    return (box[1] < reach or box[3] > scan.height - reach) and left < (box[0] + box[2]) / 2 < right


def _side_by_side(blots: Sequence[Box], settings: LetteringSettings) -> list[Box]:
    """Blots of one height on one level, a word's gap apart, put together two by two: TOP and SECRET."""
    found = []
    for a in blots:
        for b in blots:
            tall = min(a[3] - a[1], b[3] - b[1])
            level = abs(a[1] + a[3] - b[1] - b[3]) < 0.5 * tall and max(a[3] - a[1], b[3] - b[1]) < 1.5 * tall
            if level and 0 <= b[0] - a[2] <= settings.word_gap * tall:
                found.append(union(a, b))
    return found


def _overlap(a: Box, b: Box) -> bool:
    return intersection(a, b) > 0.5 * min(area(a), area(b))


def _close(level: Box, caption: Box) -> bool:
    """Whether a caption stands close under or over a level."""
    tall = min(level[3] - level[1], caption[3] - caption[1])
    shared = min(level[2], caption[2]) - max(level[0], caption[0])
    apart = max(level[1], caption[1]) - min(level[3], caption[3])
    return apart < 0.6 * tall and shared > 0.5 * min(level[2] - level[0], caption[2] - caption[0])


def _crop(scan: Scan, box: Box, margin: float) -> np.ndarray:
    pad = round(margin * (box[3] - box[1]))
    return scan.grey[max(0, box[1] - pad) : box[3] + pad, max(0, box[0] - pad) : box[2] + pad]


def _level(reading: Reading) -> tuple[float, str]:
    """The likeliest level, and by how many nats a letter it is less probable than the best guess."""
    if reading.lattice is None or not len(reading.lattice):
        return float("inf"), ""
    return likeliest_of(reading.lattice, (*LEVELS, *STAMPED_CONTROLS))


def _stamp(scan: Scan, odds: float, level: str, box: Box, captions: Sequence[Stamp]) -> Stamp:
    ink = tight(scan, box)
    return Stamp(
        box=union(padded(scan, ink, box[3] - box[1]), *(c.box for c in captions)),
        confidence=round(0.9 * float(np.exp(-max(0.0, odds))), 3),
        text=" / ".join([level, *(c.text for c in captions)]),
        family="classification",
        struck=is_struck(scan, ink) or any(c.struck for c in captions),
        evidence={
            "words": [level, *(w for c in captions for w in c.evidence["words"])],
            "because": f"worn lettering: {odds:.2f} nats a letter from the best guess",
        },
    )
