"""Text lines as the alignment with legends sees them, and the outlines of what is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from redactlib.catalogue.markings import Line
from redactlib.marks import Box, area, intersection
from redactlib.reading import TextLine, stretch
from redactlib.scan import Scan


@dataclass(frozen=True)
class OutlineSettings:
    """How pieces make lines and lines make boxes; lengths in heights of the lines."""

    join_gap: float = 1.6  # between pieces of one line
    join_shift: float = 0.45  # up or down between pieces of one line
    frame_reach: float = 0.9  # a frame stands at most this far out, in widths and heights of the text
    frame_area_max: float = 5.0  # and holds at most this much more than the text: a form's cell or a page is none
    frame_side_min: float = 0.75  # of a side that its border covers,
    frame_slope: float = 0.04  # which may rise so much over its run
    faint_max: float = 0.03  # of a line's box that is ink: paler lines are measured by their own contrast
    unread_max: float = 4.0  # letters' widths before a line's first letter and after its last
    level_max: float = 0.06  # rise over run of a line that its upright box holds well enough
    pad: float = 0.14  # around the ink, as a reader draws a box
    seen_min: float = 0.2  # of a level's height, that stands out from under a release line: only that is boxed,
    gap_max: float = 0.25  # if a row between them holds so little of its rows' ink: the line came with its white ground
    gap_reach: float = 0.35  # of the line's height, to both sides of its edge, where that row lies
    letter_min: float = 0.2  # of a box's height: smaller pieces of ink are no letters of it
    letter_width_max: float = 0.5  # of its width
    letter_shift: float = 0.22  # of a letter's height, from its head to those of the others, and from foot to feet
    letters_wide: float = 0.6  # of the box's width, that its letters take up,
    letters_small: tuple[float, float] = (1.3, 3.5)  # if it is so many times larger than they are
    letters_upright: float = 0.95  # heights to widths, of the middle one: flatter pieces are halves of worn letters
    read_min: int = 4  # letters that were read, to tell by their places where the row of them stands:
    row_share: float = 0.5  # so many of them have ink on its rows of pixels,
    read_even: float = 2.2  # of their middle distance, that none is further from the next,
    row_gap: float = 0.1  # but for gaps of this share of the box's height
    row_small: tuple[float, float] = (1.2, 2.1)  # if the box is so many times larger than that row


def as_line(piece: TextLine, number: int) -> Line:
    """A text line as the alignment sees it."""
    along = piece.corners[1] - piece.corners[0]
    width = float(np.linalg.norm(along))
    unit = along / max(width, 1e-6)
    centre = piece.corners.mean(0)
    return Line(
        piece.text,
        (float(centre[0]), float(centre[1])),
        width,
        piece.height,
        (float(unit[0]), float(unit[1])),
        (number,),
    )


def joined(
    pieces: Sequence[TextLine], numbers: Sequence[int] | None = None, *, settings: OutlineSettings = OutlineSettings()
) -> list[Line]:
    """Lines that the detector cut into pieces, put together: same direction, same height, small gaps."""
    lines = [as_line(piece, i) for i, piece in zip(numbers or range(len(pieces)), pieces, strict=True)]
    follows = _next_pieces(lines, settings)
    heads = set(follows) - set(follows.values())
    found = []
    for head in sorted(heads):
        chain = [head]
        while chain[-1] in follows and follows[chain[-1]] not in chain:
            chain.append(follows[chain[-1]])
        found += [
            _join([lines[i] for i in chain[k:n]]) for k in range(len(chain)) for n in range(k + 2, len(chain) + 1)
        ]
    return found


def _next_pieces(lines: Sequence[Line], settings: OutlineSettings) -> dict[int, int]:
    """For each line that goes on behind a small gap, the line that stands there."""
    if not lines:
        return {}
    centre, along = np.array([line.centre for line in lines]), np.array([line.along for line in lines])
    width, height = np.array([line.width for line in lines]), np.array([line.height for line in lines])
    apart = centre[None] - centre[:, None]
    longer = np.where((width[:, None] >= width[None])[..., None], along[:, None], along[None])  # it tells the slope
    across = apart[..., 0] * longer[..., 0] + apart[..., 1] * longer[..., 1]
    down = apart[..., 1] * longer[..., 0] - apart[..., 0] * longer[..., 1]
    low, high = np.minimum(height[:, None], height[None]), np.maximum(height[:, None], height[None])
    gap = across - (width[:, None] + width[None]) / 2
    fits = (along @ along.T >= 0.99) & (across > 0) & (np.abs(down) <= settings.join_shift * low) & (high <= 1.9 * low)
    gap = np.where(fits & (gap >= -0.8 * low) & (gap <= settings.join_gap * low), gap, np.inf)
    np.fill_diagonal(gap, np.inf)
    return {int(i): int(gap[i].argmin()) for i in np.flatnonzero(np.isfinite(gap).any(1))}


def _join(chain: Sequence[Line]) -> Line:
    first, last = chain[0], chain[-1]
    ends = [first.centre[k] - first.along[k] * first.width / 2 for k in (0, 1)]
    stop = [last.centre[k] + last.along[k] * last.width / 2 for k in (0, 1)]
    width = float(np.hypot(stop[0] - ends[0], stop[1] - ends[1]))
    return Line(
        " ".join(line.text for line in chain),
        ((ends[0] + stop[0]) / 2, (ends[1] + stop[1]) / 2),
        width,
        float(np.median([line.height for line in chain])),
        ((stop[0] - ends[0]) / width, (stop[1] - ends[1]) / width),
        tuple(part for line in chain for part in line.parts),
    )


def bounds(corners: np.ndarray) -> Box:
    """The upright box around corners ``(4, 2)``."""
    low, high = np.floor(corners.min(0)).astype(int), np.ceil(corners.max(0)).astype(int)
    return (int(low[0]), int(low[1]), int(high[0]), int(high[1]))


def cut_line(piece: TextLine, start: int, end: int, *, settings: OutlineSettings = OutlineSettings()) -> np.ndarray:
    """Corners of the part of a line from one character to another; at its ends without what was not read there."""
    centres = piece.reading.centres
    if len(centres) != len(piece.text) or not centres:
        return piece.corners
    step = 0.6 / max(1, len(piece.text))
    pitch = (centres[-1] - centres[0]) / max(1, len(centres) - 1)
    low = 0.0 if start == 0 and centres[0] < settings.unread_max * pitch else max(0.0, centres[start] - step)
    whole = end == len(piece.text) and 1 - centres[-1] < settings.unread_max * pitch
    high = 1.0 if whole else min(1.0, centres[end - 1] + step)
    return stretch(piece.corners, low, high)


def tight(scan: Scan, box: Box, *, settings: OutlineSettings = OutlineSettings()) -> Box:
    """A line's box shrunk to its ink."""
    x0, y0, x1, y1 = max(0, box[0]), max(0, box[1]), min(scan.width, box[2]), min(scan.height, box[3])
    ink = scan.ink[y0:y1, x0:x1]
    if ink.size and ink.mean() < settings.faint_max:
        ink = _faint_ink(scan.grey[y0:y1, x0:x1])
    if not ink.any():
        return (x0, y0, x1, y1)
    spans = []
    for profile in (ink.sum(1), ink.sum(0)):  # a stroke that crosses the line fills few pixels of a row or column
        low, high = np.percentile(profile, (5, 90))  # dirt of the ground, and letters
        filled = np.flatnonzero(profile >= max(1.0, low + 0.15 * (high - low)))
        spans.append((int(filled[0]), int(filled[-1]) + 1))
    return (x0 + spans[1][0], y0 + spans[0][0], x0 + spans[1][1], y0 + spans[0][1])


def letters_within(scan: Scan, box: Box, count: int, *, settings: OutlineSettings = OutlineSettings()) -> Box | None:
    """The box of a level word in a box drawn too large around it: as many pieces of ink in a row as it has letters.

    ``None`` where no such row is there, where it takes up little of the box, or nearly all.
    """
    x0, y0, x1, y1 = max(0, box[0]), max(0, box[1]), min(scan.width, box[2]), min(scan.height, box[3])
    ink = scan.ink[y0:y1, x0:x1].astype(np.uint8)
    if not ink.any():
        return None
    high, wide = ink.shape
    pieces = cv2.connectedComponentsWithStats(ink)[2][1:]
    pieces = pieces[(pieces[:, 3] > settings.letter_min * high) & (pieces[:, 2] < settings.letter_width_max * wide)]
    heads, feet = pieces[:, 1], pieces[:, 1] + pieces[:, 3]
    slack = settings.letter_shift * pieces[:, 3]
    rows = [pieces[(abs(heads - heads[i]) < slack[i]) & (abs(feet - feet[i]) < slack[i])] for i in range(len(pieces))]
    rows = [row for row in rows if len(row) == count]
    if not rows:
        return None
    row = max(rows, key=lambda row: int((row[:, 2] * row[:, 3]).sum()))
    left, top = row[:, :2].min(0)
    right, low = (row[:, :2] + row[:, 2:4]).max(0)
    least, most = settings.letters_small
    fits = least * (right - left) * (low - top) <= wide * high <= most * (right - left) * (low - top)
    fits &= bool(np.median(row[:, 3] / row[:, 2]) >= settings.letters_upright)
    if not fits or right - left < settings.letters_wide * wide:
        return None
    return (x0 + int(left), y0 + int(top), x0 + int(right), y0 + int(low))


def row_of_letters(
    scan: Scan, piece: TextLine, box: Box, *, settings: OutlineSettings = OutlineSettings()
) -> Box | None:
    """The box of a level line's letters in a box drawn too large around them, by the places where each was read.

    On the rows of pixels that letters stand on most of them have ink; what else lies in the box is under few of them.
    ``None`` where that says nothing, or the box is no larger than letters are, or so large that they are a part of it.
    """
    (ax, ay), (bx, by) = (piece.corners[:2] + piece.corners[3:1:-1]) / 2
    centres = piece.reading.centres
    if len(centres) != len(piece.text) or abs(by - ay) > settings.level_max * abs(bx - ax):
        return None
    places = [ax + at * (bx - ax) for at, char in zip(centres, piece.text, strict=True) if not char.isspace()]
    x0, y0, x1, y1 = max(0, box[0]), max(0, box[1]), min(scan.width, box[2]), min(scan.height, box[3])
    places = [x for x in places if x0 <= x < x1]
    if len(places) < settings.read_min:
        return None
    apart = np.diff(places)
    half = float(np.median(apart)) / 2
    if apart.max() > 2 * settings.read_even * half:
        return None
    columns = [slice(max(0, int(x - half)), max(1, int(x + half))) for x in places]
    ink = scan.ink[y0:y1]
    rows = np.flatnonzero(np.mean([ink[:, letter].any(1) for letter in columns], 0) >= settings.row_share)
    runs = np.split(rows, np.flatnonzero(np.diff(rows) > 1 + settings.row_gap * (y1 - y0)) + 1)
    run = max(runs, key=len)
    if not run.size:
        return None
    low, high = int(run[0]), int(run[-1]) + 1
    left, right = max(x0, columns[0].start), min(x1, columns[-1].stop)
    filled = np.flatnonzero(ink[low:high, left:right].any(0))
    if not filled.size:
        return None
    row = (left + int(filled[0]), y0 + low, left + int(filled[-1]) + 1, y0 + high)
    least, most = settings.row_small
    return row if least * area(row) <= area((x0, y0, x1, y1)) <= most * area(row) else None


def inked(scan: Scan, corners: np.ndarray, *, settings: OutlineSettings = OutlineSettings()) -> Box:
    """The upright box around a line's ink: the line shrunk in its own direction, then what of its ink lies in there."""
    along = np.abs(corners[1] - corners[0])
    if along.min() <= settings.level_max * along.max():
        return tight(scan, bounds(corners))
    x0, y0, x1, y1 = bounds(corners)
    x0, y0, x1, y1 = max(0, x0), max(0, y0), min(scan.width, x1), min(scan.height, y1)
    own = np.zeros((max(1, y1 - y0), max(1, x1 - x0)), np.uint8)
    cv2.fillPoly(own, [np.round(corners - (x0, y0)).astype(np.int32)], 1)
    ink = own.astype(bool)
    ink[: y1 - y0, : x1 - x0] &= scan.ink[y0:y1, x0:x1]
    rows, columns = np.nonzero(ink)
    if not rows.size:
        return (x0, y0, x1, y1)
    low_y, high_y = np.percentile(rows, (0.8, 99.2)).astype(int)
    low_x, high_x = np.percentile(columns, (0.8, 99.2)).astype(int)
    return (x0 + int(low_x), y0 + int(low_y), x0 + int(high_x) + 1, y0 + int(high_y) + 1)


def _faint_ink(grey: np.ndarray) -> np.ndarray:
    """What is darker than the paper around it, where a stamp is too pale to count as the page's ink (Otsu 1979)."""
    _, dark = cv2.threshold(cv2.GaussianBlur(grey, (0, 0), 1.0), 0, 1, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
    return dark.astype(bool)


def uncovered(scan: Scan, box: Box, covers: Sequence[Box], *, settings: OutlineSettings = OutlineSettings()) -> Box:
    """What of a level stands out from under a release line on its own ground; all of it where letters show through."""
    for cover in (c for c in covers if intersection(box, c)):
        x0, y0, x1, y1 = box
        above, below = cover[1] - y0, y1 - cover[3]
        edge = cover[1] if above > below else cover[3]
        reach = round(settings.gap_reach * (cover[3] - cover[1]))
        if max(above, below) < settings.seen_min * (y1 - y0) or reach < 1:
            continue
        rows = scan.ink[max(0, edge - reach) : edge + reach, x0:x1].sum(1)
        rows = np.convolve(rows, np.full(3, 1 / 3), "valid") if rows.size > 3 else rows  # dots leave rows empty, too
        seen = scan.ink[y0:edge, x0:x1] if above > below else scan.ink[edge:y1, x0:x1]
        if rows.size and seen.size and rows.min() <= settings.gap_max * float(np.median(seen.sum(1))):
            box = (x0, y0, x1, edge) if above > below else (x0, edge, x1, y1)
    return box


def padded(scan: Scan, box: Box, height: float, *, settings: OutlineSettings = OutlineSettings()) -> Box:
    """A box with the margin that a reader leaves around ink of lines of this height."""
    pad = round(settings.pad * height)
    return (max(0, box[0] - pad), max(0, box[1] - pad), min(scan.width, box[2] + pad), min(scan.height, box[3] + pad))


def framed(scan: Scan, box: Box, *, settings: OutlineSettings = OutlineSettings()) -> Box:
    """The box grown to a frame drawn close around it: a label's or boxed stamp's border; as it is where none stands.

    A frame is a piece of ink that encloses the box and runs along three of its own sides at least.
    """
    wide, high = box[2] - box[0], box[3] - box[1]
    reach_x, reach_y = round(settings.frame_reach * wide), round(settings.frame_reach * max(high, 0.3 * wide))
    x0, y0 = max(0, box[0] - reach_x), max(0, box[1] - reach_y)
    x1, y1 = min(scan.width, box[2] + reach_x), min(scan.height, box[3] + reach_y)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(scan.ink[y0:y1, x0:x1].astype(np.uint8))
    slack = max(2, round(0.12 * high))
    found = []
    for number, (x, y, w, h, _) in enumerate(stats[1:], 1):
        outer = (x0 + x, y0 + y, x0 + x + w, y0 + y + h)
        encloses = outer[0] <= box[0] + slack and outer[1] <= box[1] + slack
        encloses &= outer[2] >= box[2] - slack and outer[3] >= box[3] - slack
        if not encloses or w * h > settings.frame_area_max * wide * high or x == 0 or y == 0:
            continue
        own = labels[y : y + h, x : x + w] == number
        down, across = (max(2, round(0.06 * min(w, h)), round(settings.frame_slope * side)) for side in (w, h))
        edges = (own[:down].any(0), own[-down:].any(0), own[:, :across].any(1), own[:, -across:].any(1))
        if sum(float(edge.mean()) > settings.frame_side_min for edge in edges) >= 3:
            found.append((w * h, outer))
    outer = min(found)[1] if found else box
    return (int(outer[0]), int(outer[1]), int(outer[2]), int(outer[3]))
