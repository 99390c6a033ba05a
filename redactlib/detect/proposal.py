"""Where something may have been covered: ruled rectangles, fills, and dense strokes, before any of it is judged.

Rectangles are put together from straight runs of ink, found by morphological opening with line elements (Serra 1982): a
rectangle is a pair of level runs and two upright sides, each of which may be broken, and one of which may be missing.
Fills are what stays of the page's non-paper area after opening with a square wider than any pen stroke or letter stem.
Dense strokes (markers) are where the local share of ink exceeds that of any type.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import cv2
import numpy as np

from redactlib.marks import Box, area, union
from redactlib.scan import Scan


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A region that may be a redaction; `reason` says why it is none, ``None`` where it stands.

    `style` is what it looks like: ``outlined``, ``solid``, ``shaded`` or ``marker``; `evidence` what was measured.
    """

    box: Box
    style: str
    score: float
    polygon: tuple[tuple[int, int], ...] = ()
    reason: str | None = None
    evidence: dict[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class ProposalSettings:
    """Sizes on paper of what is looked for."""

    working_dpi: float = 150.0  # hairlines survive the halving of a 300-dpi page by a logical or
    level_run_mm: float = 4.0  # longer than the bars of letters, shorter than the narrowest box
    upright_run_mm: float = 2.4  # the side of a box around one line of 10-point type
    gap_mm: float = 0.17  # a broken hairline; less than the space between typed letters
    band_mm: float = 0.45  # how far a side may stray from the straight line between its corners
    slope_max: float = 0.035  # 2 degrees: boxes drawn before the page was set straight lean this far
    apart_mm: float = 12.0  # a run so long is level; the cross in a box runs together with its sides at the corners
    bridge_mm: float = 60.0  # a release line printed over an edge breaks it this far
    height_min_mm: float = 2.3
    width_min_mm: float = 3.0
    side_min: float = 0.8  # share of a side that is inked, the mean of the four
    side_open_min: float = 0.86  # of each of the others, where one is missing
    strip_max: float = 0.25  # share of ink just inside a side: the cover is opaque, type is not
    strip_worst: float = 0.6  # the same on the one side that a code touches
    strip_hatched: float = 0.75  # the same on all sides of a whole frame, in which slanting lines may stand
    side_whole_min: float = 0.9
    strip_loose: float = 0.5  # the same along a whole rule, of which the side may be a part
    open_width_mm: float = 12.0  # a rectangle that lacks one side must be wider than a word
    tone_min: int = 30  # how far a tint lies from the paper, grey levels of the strongest channel
    flat_max: int = 14  # range of tones among neighbours in an even fill
    code_max_mm: float = 6.0  # height of a code printed in a fill
    code_cover: float = 0.4  # share of the fill's colour around its letters
    flat_strip_mm: float = 0.8  # what is left of an even fill beside a code printed in it
    fill_min_mm: float = 1.8  # wider than any stem, narrower than a line of type
    speckle_mm: float = 0.5  # white between the dots of a dither, or around a letter under a marker
    dense_min: float = 0.72  # share of a stroke's ground that is covered, speckles closed
    row_min: float = 0.5  # share of a row or column that belongs to the stroke
    fill_row_min: float = 0.5  # the same of an even fill, as wide as a stroke, which may lean
    fill_min: float = 0.95  # covered share of it
    stepped_share: tuple[float, float] = (0.4, 0.9)  # of its box that a polygon of lines of unequal length covers
    join_mm: float = 9.0  # a see-through stroke is broken by the white rims of a few letters
    gap_in_stroke_mm: float = 2.0  # along which one of several strokes that run together is lost
    join_closed: float = 0.6
    join_ink: float = 0.4
    stroke_min_mm: float = 2.7  # a marker covers a line of type; more than the height of small letters


def propose(
    scan: Scan, labels: Sequence[Box] = (), *, settings: ProposalSettings = ProposalSettings()
) -> list[Proposal]:
    """Rectangles, fills and dense strokes of a page, each with its measures, in page pixels.

    Args:
        labels: boxes of opaque lines printed over the page, which hide what is under them.
    """
    factor = max(1, round(scan.dpi / settings.working_dpi))
    px_mm = scan.mm(1) / factor
    ink = np.ascontiguousarray(scan.ink).view(np.uint8)
    cover, flat = _cover(scan, ink, settings)
    share = _shrunk(ink, factor)
    lines, solid, tone = (share > 0).view(np.uint8), (share == 255).view(np.uint8), scan.grey[::factor, ::factor]
    hidden = [(a // factor, b // factor, c // factor, d // factor) for a, b, c, d in labels]
    fills = [(solid if cover is ink else (_shrunk(cover, factor) == 255).view(np.uint8), settings.fill_min_mm)]
    if flat is not cover:
        fills.insert(0, ((_shrunk(flat, factor) == 255).view(np.uint8), settings.flat_strip_mm))
    found = [
        *(p for mask, strip_mm in fills for p in _fills(mask, tone, strip_mm, px_mm, settings)),
        *_dense(lines, share, px_mm, settings),
        *_rectangles(lines, solid, hidden, px_mm, settings),
    ]
    return [_scaled(p, factor, scan) for p in found]


def _scaled(p: Proposal, factor: int, scan: Scan) -> Proposal:
    x0, y0, x1, y1 = (v * factor for v in p.box)
    box = (max(0, x0), max(0, y0), min(scan.width, x1), min(scan.height, y1))
    polygon = tuple((int(x * factor), int(y * factor)) for x, y in p.polygon)
    return Proposal(box=box, style=p.style, score=p.score, polygon=polygon, evidence=p.evidence)


def _shrunk(mask: np.ndarray, factor: int) -> np.ndarray:
    """Shrink a 0/1 mask: the share of each cell that is set, 0..255; 0 and 255 only where none and all of it is."""
    h, w = (n // factor for n in mask.shape)
    whole = mask[: h * factor, : w * factor] * np.uint8(255)
    return np.asarray(cv2.resize(whole, (w, h), interpolation=cv2.INTER_AREA))


def _cover(scan: Scan, ink: np.ndarray, settings: ProposalSettings) -> tuple[np.ndarray, np.ndarray]:
    """Where the page is not the colour of its paper, and where, besides, its tone is flat: no type, no seam."""
    sample = scan.grey[::5, ::5]
    if scan.image.ndim == 2 and float(np.mean((sample > 16) & (sample < 240))) < 0.03:
        return ink, ink
    far: np.ndarray = np.zeros(scan.grey.shape, np.uint8)
    for plane in [scan.image] if scan.image.ndim == 2 else cv2.split(scan.image):
        paper = 96 + int(np.argmax(np.bincount(plane[::4, ::4].ravel(), minlength=256)[96:]))
        far = cv2.max(far, cv2.absdiff(plane, np.full_like(plane, paper)))
    cover = (far > settings.tone_min).view(np.uint8)
    square = _square(3)
    flat: np.ndarray = (cv2.morphologyEx(scan.grey, cv2.MORPH_GRADIENT, square) < settings.flat_max).view(np.uint8)
    flat = cv2.bitwise_and(flat, cover)
    return cover, cv2.bitwise_and(cv2.dilate(flat, square), cover)


def _square(size: float) -> np.ndarray:
    return np.ones((max(1, round(size)),) * 2, np.uint8)


def _fills(
    cover: np.ndarray, tone: np.ndarray, strip_mm: float, px_mm: float, settings: ProposalSettings
) -> list[Proposal]:
    """Even areas at least as high as a line of type; a code printed in one does not break it."""
    paper = 96 + int(np.argmax(np.bincount(tone[::2, ::2].ravel(), minlength=256)[96:]))
    strips = cv2.morphologyEx(cover, cv2.MORPH_OPEN, np.ones((2, round(strip_mm * px_mm)), np.uint8))
    contours, tree = cv2.findContours(strips, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    for contour, links in zip(contours, tree[0] if contours else (), strict=True):
        x, y, w, h = cv2.boundingRect(contour)
        if (
            links[3] >= 0
            and h < settings.code_max_mm * px_mm
            and cover[y : y + h, x : x + w].mean() > settings.code_cover
        ):
            cv2.drawContours(strips, [contour], 0, 1, -1)
    mask = cv2.morphologyEx(strips, cv2.MORPH_OPEN, _square(settings.fill_min_mm * px_mm))
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for contour in contours:
        x, y, w, h = cv2.boundingRect(contour)
        if h < settings.height_min_mm * px_mm or w < settings.width_min_mm * px_mm:
            continue
        inside = np.zeros((h, w), np.uint8)
        cv2.drawContours(inside, [contour], 0, 1, -1, offset=(-x, -y))
        patch = cover[y : y + h, x : x + w]
        values = tone[y : y + h, x : x + w][(inside & patch) > 0]
        level = float(np.median(values)) if len(values) else 0.0
        (_, sides, _) = cv2.minAreaRect(contour)
        evidence = {
            "rectangular": float(inside.sum() / max(1.0, (sides[0] + 1) * (sides[1] + 1))),
            "covered": float(patch[inside > 0].mean()),
            "level": level,
            "even": float(np.mean(np.abs(values - level) < 24)) if len(values) else 0.0,
        }
        outline, evidence["straight"] = _outline(contour, px_mm)
        evidence["paper"] = paper
        evidence.update(_around((x, y, x + w, y + h), 255 * cover, px_mm))
        found.append(
            Proposal(
                box=(x, y, x + w, y + h),
                style="solid" if evidence["level"] < 110 else "shaded",
                score=evidence["rectangular"] * evidence["covered"],
                polygon=() if inside.mean() > 0.96 else tuple((x, y) for x, y in outline.tolist()),
                evidence=evidence,
            )
        )
    return found


def _dense(lines: np.ndarray, ink: np.ndarray, px_mm: float, settings: ProposalSettings) -> list[Proposal]:
    """Marker strokes: speckled, streaked and see-through, but without a white spot as large as those of type."""
    closed = cv2.morphologyEx(lines, cv2.MORPH_CLOSE, _square(settings.speckle_mm * px_mm))
    core = cv2.morphologyEx(closed, cv2.MORPH_OPEN, _square(settings.stroke_min_mm * px_mm))
    if not cv2.hasNonZero(core):
        return []
    window = round(settings.stroke_min_mm * px_mm)
    dense: np.ndarray = (cv2.blur(closed * np.uint8(255), (window, window)) > settings.dense_min * 255).view(np.uint8)
    dense = cv2.bitwise_or(dense, core)
    contours, tree = cv2.findContours(dense, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    outer = [c for c, links in zip(contours, tree[0] if contours else (), strict=True) if links[3] < 0]
    rects = [(int(x), int(y), int(w), int(h)) for x, y, w, h in map(cv2.boundingRect, outer)]
    # the black round a copy is none, and its rectangle holds the whole page
    high, wide = (n - 1 for n in lines.shape)
    rects = [(x, y, w, h) for x, y, w, h in rects if x > 1 and y > 1 and x + w < wide and y + h < high]
    rects = [(x, y, w, h) for x, y, w, h in rects if core[y : y + h, x : x + w].any()]
    found = _stepped([r for r in rects if r[3] >= 3 * window], closed, core, ink, px_mm, settings)
    rects = [part for rect in rects for part in _row_parts(rect, closed, px_mm, settings)]
    cores = _joined(rects, closed, ink, px_mm, settings)
    reach = round(settings.stroke_min_mm * px_mm / 2)
    for cx0, cy0, cx1, cy1 in cores:
        x0, y0 = max(0, cx0 - reach), max(0, cy0 - reach)
        patch = closed[y0 : cy1 + reach, x0 : cx1 + reach]
        rows = np.flatnonzero(patch[:, cx0 - x0 : cx1 - x0].mean(1) > settings.row_min)
        columns = np.flatnonzero(patch[cy0 - y0 : cy1 - y0].mean(0) > settings.row_min)
        box = (int(x0 + columns[0]), int(y0 + rows[0]), int(x0 + columns[-1] + 1), int(y0 + rows[-1] + 1))
        if box[2] - box[0] < settings.width_min_mm * px_mm:
            continue
        box = _without_type(box, closed, core, settings)
        inside = slice(box[1], box[3]), slice(box[0], box[2])
        evidence = {
            "density": float(ink[inside].mean() / 255),
            "closed": float(closed[inside].mean()),
            "core": float(core[inside].mean()),
            **_around(box, ink, px_mm),
        }
        found.append(Proposal(box=box, style="marker", score=evidence["closed"], evidence=evidence))
    return found


def rows_of_stroke(
    p: Proposal, count: int, slope: float, scan: Scan, *, settings: ProposalSettings = ProposalSettings()
) -> list[Proposal]:
    """A dense area over several lines as the strokes on each of them.

    Args:
        count: how many lines of type it covers.
        slope: how far they fall a pixel to the right.
    """
    factor = max(1, round(scan.dpi / settings.working_dpi))
    px_mm = scan.mm(1) / factor
    aside = round(5 * px_mm)
    x0, y0, x1, y1 = (v // factor for v in p.box)
    top, middle = max(0, y0 - aside), (x0 + x1) / 2
    share = _shrunk(np.ascontiguousarray(scan.ink[top * factor : (y1 + aside) * factor]).view(np.uint8), factor)
    matrix = np.array([[1, 0, 0], [slope, 1, -slope * middle]])
    level = cv2.warpAffine(share, matrix, share.shape[::-1], flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
    closed = cv2.morphologyEx((level > 0).view(np.uint8), cv2.MORPH_CLOSE, _square(settings.speckle_mm * px_mm))
    core = cv2.morphologyEx(closed, cv2.MORPH_OPEN, _square(settings.stroke_min_mm * px_mm))
    lean = abs(slope) * (x1 - x0) / 2
    edges = np.linspace(y0 - top + lean, y1 - top - lean, count + 1).round().astype(int)
    found = []
    for k, (a, b) in enumerate(pairwise(edges)):
        covered = np.flatnonzero(closed[a:b].mean(0) > settings.row_min)
        runs = np.split(covered, np.flatnonzero(np.diff(covered) > settings.gap_in_stroke_mm * px_mm) + 1)
        runs = [run for run in runs if len(run) and run[0] < x1 and run[-1] > x0]
        if not runs:
            continue
        c, d = int(runs[0][0]), int(runs[-1][-1]) + 1
        around = _around((c, int(a), d, int(b)), level, px_mm)
        inner = {"above": k > 0, "below": k + 1 < count}
        evidence = {
            "density": float(level[a:b, c:d].mean() / 255),
            "closed": float(closed[a:b, c:d].mean()),
            "core": float(core[a:b, c:d].mean()),
            "one_of": count,
            **{side: 0.0 if inner.get(side) else ink for side, ink in around.items()},
        }
        fall, more = slope * ((c + d) / 2 - middle), abs(slope) * (d - c) / 2
        box = (c, round(top + a + fall - more), d, round(top + b + fall + more))
        found.append(_scaled(replace(p, box=box, score=evidence["closed"], evidence=evidence), factor, scan))
    return found


def _without_type(box: Box, closed: np.ndarray, core: np.ndarray, settings: ProposalSettings) -> Box:
    """The rows of a box that an even fill takes up: the feet of the letters above run into its dots."""
    x0, y0, x1, y1 = box
    rows = np.flatnonzero(core[y0:y1, x0:x1].mean(1) > settings.fill_row_min)
    if not len(rows) or len(rows) == y1 - y0:
        return box
    filled = slice(y0 + int(rows[0]), y0 + int(rows[-1]) + 1), slice(x0, x1)
    even = min(closed[filled].mean(), core[filled].mean()) > settings.fill_min
    return (x0, filled[0].start, x1, filled[0].stop) if even else box


def _stepped(
    rects: Sequence[tuple[int, int, int, int]],
    closed: np.ndarray,
    core: np.ndarray,
    ink: np.ndarray,
    px_mm: float,
    settings: ProposalSettings,
) -> list[Proposal]:
    """Dense areas higher than a line that fill a polygon, but not its box: covers of lines of unequal length."""
    low, high = settings.stepped_share
    found = []
    for x, y, w, h in rects:
        if not low < core[y : y + h, x : x + w].mean() < high:
            continue
        contours, _ = cv2.findContours(core[y : y + h, x : x + w], cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        largest = max(contours, key=cv2.contourArea)
        a, b, c, d = cv2.boundingRect(largest)
        box = (x + a, y + b, x + a + c, y + b + d)
        inside = cv2.drawContours(np.zeros((d, c), np.uint8), [largest], 0, 1, -1, offset=(-a, -b)) > 0
        outline, straight = _outline(largest, px_mm)
        cut = slice(box[1], box[3]), slice(box[0], box[2])
        evidence = {
            "density": float(ink[cut][inside].mean() / 255),
            "closed": float(closed[cut][inside].mean()),
            "core": float(core[cut][inside].mean()),
            "straight": straight,
            **_around(box, ink, px_mm),
        }
        polygon = tuple((x + i, y + j) for i, j in outline.tolist())
        found.append(Proposal(box=box, style="marker", score=evidence["closed"], polygon=polygon, evidence=evidence))
    return found


def _outline(contour: np.ndarray, px_mm: float) -> tuple[np.ndarray, float]:
    """Corners ``(n, 2)`` of an outline, and the share of it that runs level or upright."""
    outline = cv2.approxPolyDP(contour, 0.5 * px_mm, True)[:, 0]
    steps = np.abs(np.diff(np.concatenate([outline, outline[:1]]), axis=0))
    level = steps.min(1) <= 0.05 * steps.max(1) + 1
    return outline, float(steps[level & (steps.max(1) > px_mm)].sum() / max(1, steps.sum()))


def _row_parts(
    rect: tuple[int, int, int, int], closed: np.ndarray, px_mm: float, settings: ProposalSettings
) -> list[tuple[int, int, int, int]]:
    """Strokes on neighbouring lines that touch somewhere, one by one."""
    x, y, w, h = rect
    if h < 2 * settings.stroke_min_mm * px_mm:
        return [rect]
    covered = np.concatenate([[False], closed[y : y + h, x : x + w].mean(1) > settings.row_min, [False]])
    starts, stops = np.flatnonzero(~covered[:-1] & covered[1:]), np.flatnonzero(covered[:-1] & ~covered[1:])
    parts = []
    for a, b in zip(starts, stops, strict=True):
        if b - a >= settings.stroke_min_mm * px_mm:
            columns = np.flatnonzero(closed[y + a : y + b, x : x + w].mean(0) > settings.row_min)
            parts.append((x + int(columns[0]), y + int(a), int(columns[-1] + 1 - columns[0]), int(b - a)))
    return parts or [rect]


def _joined(
    rects: Sequence[tuple[int, int, int, int]],
    closed: np.ndarray,
    ink: np.ndarray,
    px_mm: float,
    settings: ProposalSettings,
) -> list[Box]:
    """Boxes of strokes; those on one line become one where the ground between them is covered as well."""
    boxes: list[Box] = []
    for x, y, w, h in sorted(rects):
        box = (x, y, x + w, y + h)
        for i, left in enumerate(boxes):
            y0, y1 = max(left[1], box[1]), min(left[3], box[3])
            gap = slice(y0, y1), slice(min(left[2], box[0]), max(left[2], box[0]))
            if y1 - y0 < 0.6 * min(left[3] - left[1], h) or box[0] - left[2] > settings.join_mm * px_mm:
                continue
            if box[0] <= left[2] or (
                closed[gap].mean() > settings.join_closed and ink[gap].mean() > settings.join_ink * 255
            ):
                box = union(left, box)
                boxes[i] = box
                break
        else:
            boxes.append(box)
    return boxes


def _around(box: Box, ink: np.ndarray, px_mm: float) -> dict[str, float]:
    """Share of ink in the strips just above, below, left and right of a box."""
    x0, y0, x1, y1 = box
    skip, high, wide = round(0.5 * px_mm), round(1.2 * px_mm), round(3.5 * px_mm)
    strips = {
        "above": ink[max(0, y0 - skip - high) : max(0, y0 - skip), x0:x1],
        "below": ink[y1 + skip : y1 + skip + high, x0:x1],
        "left": ink[y0:y1, max(0, x0 - skip - wide) : max(0, x0 - skip)],
        "right": ink[y0:y1, x1 + skip : x1 + skip + wide],
    }
    return {name: float(strip.mean() / 255) if strip.size else 0.0 for name, strip in strips.items()}


def _rectangles(
    lines: np.ndarray, solid: np.ndarray, labels: Sequence[Box], px_mm: float, settings: ProposalSettings
) -> list[Proposal]:
    thick = cv2.dilate(cv2.morphologyEx(solid, cv2.MORPH_OPEN, _square(1.2 * px_mm)), _square(3))
    lines = lines & (1 - thick)
    for x0, y0, x1, y1 in labels:
        lines[y0:y1, x0:x1] = 0
    level = _rules(lines, labels, settings.level_run_mm * px_mm, px_mm, settings)
    turned = [(y0, x0, y1, x1) for x0, y0, x1, y1 in labels]
    sideways = cv2.transpose(lines)
    upright = _rules(sideways, turned, settings.upright_run_mm * px_mm, px_mm, settings)
    level = _with_strips(level, lines, px_mm, settings)
    upright = _with_strips(_near(upright, level, 2 * px_mm), sideways, px_mm, settings)
    kept: list[Proposal] = []
    band = max(2, round(settings.band_mm * px_mm))
    for score, box, sides, lined, slope in _without_rivals(_hypotheses(level, upright, lines, px_mm, settings)):
        weights = _weights(box, lines, band)
        drawn = [w for w, s in zip(weights, sides, strict=True) if s > 0.5] or [0.0]
        evidence = {
            "sides": tuple(round(float(s), 2) for s in sides),
            "overshoot": _overshoot(box, level.mask, upright.mask, px_mm),
            "weight_mm": float(np.mean(drawn)) / px_mm,
            "lined": lined,
            "slope": slope,
            "uneven": float(np.median(drawn) / max(1.0, min(drawn))),
        }
        kept.append(Proposal(box=box, style="outlined", score=score, evidence=evidence))
    return kept


_INK, _LABEL = 1, 2
_WORTH = np.array([0, 4, 3, 4], np.uint8)  # quarters: what lies under a label may be an edge
_STEPS = np.linspace(0, 1, 48, dtype=np.float32)[None]


@dataclass(frozen=True, eq=False)
class _Rules:
    """Straight, nearly level runs of ink.

    `ends` is ``(n, 4)``: x and y of the left and the right end; `free` ``(n, 2)`` says whether the strip above and the
    strip below is free of ink; `drawn` ``(n,)``, whether it is ink and not the edge of a label. `joined`, like `ends`,
    are runs that something slanting runs together with, as the cross in a box with its sides. `mask` has the bit
    ``_INK`` within the band around any run, ``_LABEL`` where a label lies over the page.
    """

    ends: np.ndarray
    joined: np.ndarray
    free: np.ndarray
    drawn: np.ndarray
    mask: np.ndarray


def _rules(lines: np.ndarray, labels: Sequence[Box], length: float, px_mm: float, settings: ProposalSettings) -> _Rules:
    gap, band = max(1, round(settings.gap_mm * px_mm)), max(2, round(settings.band_mm * px_mm))
    closed = cv2.morphologyEx(lines, cv2.MORPH_CLOSE, np.ones((1, gap + 1), np.uint8))
    runs = cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((1, round(length)), np.uint8))
    contours, tree = cv2.findContours(cv2.dilate(runs, _square(3)), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    outer = [c for c, links in zip(contours, tree[0] if contours else (), strict=True) if links[3] < 0]
    ends, aslant = _ends(outer, 3 + 3 * band, settings.slope_max)
    joined = []
    longer = np.ones((1, round(settings.apart_mm * px_mm)), np.uint8)
    for x, y, w, h in map(cv2.boundingRect, aslant):
        if w > longer.size:
            part = cv2.morphologyEx(runs[y : y + h, x : x + w], cv2.MORPH_OPEN, longer)
            grown = cv2.dilate(part, _square(3))
            parts, _ = cv2.findContours(grown, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE, offset=(x, y))
            joined += _ends(parts, 3 + 3 * band, settings.slope_max)[0]
    drawn = len(ends)
    mask: np.ndarray = cv2.dilate(runs, np.ones((2 * band + 1, 1), np.uint8)) * np.uint8(_INK)
    for x0, y0, x1, y1 in labels:
        mask[y0:y1, x0:x1] |= _LABEL
        # the label hides what runs under its own edges, too
        ends += [(x0, y0, x1, y0), (x0, y1, x1, y1)]
        for left, a, right, b in list(ends):
            inside = y0 - band <= (a + b) / 2 <= y1 + band
            if inside and left < x1 + 3 * px_mm and right > x0 - 3 * px_mm:
                ends.append((min(left, x0), a, max(right, x1), b))
    free = np.zeros((len(ends), 2), bool)
    level, others = (np.array(e, np.float32).reshape(-1, 4) for e in (ends, joined))
    return _Rules(level, others, free, np.arange(len(ends)) < drawn, mask)


def _ends(
    contours: Sequence[np.ndarray], height: float, slope_max: float
) -> tuple[list[tuple[float, float, float, float]], list[np.ndarray]]:
    """Ends of nearly level runs by their outlines, which are a cell wider, and the outlines that are not level."""
    if not contours:
        return [], []
    sizes = np.array([len(c) for c in contours])
    x, y = np.concatenate(contours)[:, 0].T
    which, starts = np.repeat(np.arange(len(sizes)), sizes), np.concatenate([[0], np.cumsum(sizes)[:-1]])
    (x0, y0), (x1, y1) = ([f.reduceat(v, starts) for v in (x, y)] for f in (np.minimum, np.maximum))
    heights = []
    for at in (x0, x1):
        there = x == at[which]
        heights.append(np.bincount(which[there], y[there]) / np.bincount(which[there]))
    level = y1 - y0 + 1 <= height + slope_max * (x1 - x0 + 1)
    ends = list(zip(*(v[level].tolist() for v in (x0 + 1, heights[0], x1, heights[1])), strict=True))
    return ends, [c for c, is_level in zip(contours, level, strict=True) if not is_level]


def _near(upright: _Rules, level: _Rules, tolerance: float) -> _Rules:
    """The upright rules that meet a level one; the stems of letters do not."""
    v, h = upright.ends[:, None], np.concatenate([level.ends, level.joined])[None]
    at, y = (v[..., 1] + v[..., 3]) / 2, (h[..., 1] + h[..., 3]) / 2
    meets = (at > h[..., 0] - tolerance) & (at < h[..., 2] + tolerance)
    meets &= (y > v[..., 0] - tolerance) & (y < v[..., 2] + tolerance)
    some = meets.any(1)
    return replace(upright, ends=upright.ends[some], free=upright.free[some], drawn=upright.drawn[some])


def _with_strips(rules: _Rules, lines: np.ndarray, px_mm: float, settings: ProposalSettings) -> _Rules:
    """The rules, with what is known of the strips beside them."""
    start, stop = rules.ends[:, :2], rules.ends[:, 2:]
    offsets = [3, 2 + max(2, round(settings.band_mm * px_mm))]
    shares = []
    for side in (-1, 1):
        shifts = [np.array([0, side * k]) for k in offsets]
        shares.append(np.mean([_inked(lines, start + shift, stop + shift) for shift in shifts], axis=0))
    free = np.stack(shares, 1) < settings.strip_loose
    return replace(rules, free=free)


def _inked(mask: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """Share of the straight lines from `start` to `stop`, each ``(n, 2)`` x and y, that is set in `mask`."""
    h, w = mask.shape
    corner, whole = (start + 0.5).astype(np.float32), (stop - start).astype(np.float32)
    x, y = ((corner[:, i : i + 1] + whole[:, i : i + 1] * _STEPS).astype(np.int32) for i in (0, 1))
    at = y.clip(0, h - 1) * w + x.clip(0, w - 1)
    return _WORTH.take(mask.ravel().take(at)).sum(1, dtype=np.int32) / (4.0 * _STEPS.size)


def _bridged(rules: _Rules, bridge: float) -> _Rules:
    """The runs, and each two on one line with the gap between them filled."""
    x0, a, x1, b = rules.ends.T
    order, stray = np.argsort(a), 1 + 0.02 * bridge
    first, last = (np.searchsorted(a[order], at) for at in (b - stray, b + stray))
    i, j = _runs_of(first, last)
    j = order[j]
    gap = x0[j] - x1[i]
    on_line = np.abs(b[i] - a[j]) <= 1 + 0.02 * np.maximum(gap, 0)
    near = on_line & (gap > 0) & (gap < bridge) & (gap < (x1 - x0)[i] + (x1 - x0)[j])
    i, j = i[near], j[near]
    return replace(
        rules,
        ends=np.concatenate([rules.ends, np.column_stack([x0[i], a[i], x1[j], b[j]])]),
        free=np.concatenate([rules.free, rules.free[i] | rules.free[j]]),
        drawn=np.concatenate([rules.drawn, rules.drawn[i] & rules.drawn[j]]),
    )


def _runs_of(first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of k and a number from ``first[k]`` to before ``last[k]``."""
    count = np.maximum(0, last - first)
    which = np.repeat(np.arange(len(first)), count)
    return which, np.arange(len(which)) + np.repeat(first - np.cumsum(count) + count, count)


def _along(ends: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Height of runs at x."""
    slope = (ends[:, 3] - ends[:, 1]) / np.maximum(ends[:, 2] - ends[:, 0], 1)
    return ends[:, 1] + slope * (x - ends[:, 0])


def _hypotheses(
    level: _Rules, upright: _Rules, lines: np.ndarray, px_mm: float, settings: ProposalSettings
) -> list[tuple[float, Box, tuple[float, ...], bool, float]]:
    """Rectangles ``(score, box, sides, lined, slope)`` whose sides are inked, the best first.

    `lined` are whole frames in which there is ink right beside the sides: that may be slanting lines.
    """
    frames = _frames(level, upright, px_mm, settings)
    level = _bridged(level, settings.bridge_mm * px_mm)
    upright = _bridged(upright, settings.bridge_mm * px_mm)
    ends = level.ends
    if len(ends) + len(level.joined) < 2 or not len(upright.ends):
        return []
    top, bottom, low, high = _pairs(level, px_mm, settings)
    quads = _quads(ends[top], ends[bottom], low, high, upright, px_mm, settings)
    q, left, right, cl, cr = quads.T
    q = q.astype(int)
    rows = [_along(ends[runs[q]], x) for runs in (top, bottom) for x in (left, right)]
    a, b, c, d = (np.column_stack([x, y]) for x, y in zip((left, right) * 2, rows, strict=True))
    sides = np.stack([_inked(level.mask, a, b), _inked(level.mask, c, d), cl, cr], 1)
    ranked = np.sort(sides, 1)
    closed = (ranked[:, 0] > 0.5) & (sides.mean(1) > settings.side_min)
    three = (ranked[:, 1] > settings.side_open_min) & (right - left > settings.open_width_mm * px_mm)
    good = np.flatnonzero(closed | three)
    boxes = ([corner[good] for corner in (a, b, c, d)], sides[good]), frames
    found = []
    for (corners, sides), lined in zip(boxes, (False, True), strict=True):
        a, b, c, d = corners
        strips = []
        for step in range(3, 3 + max(2, round(settings.band_mm * px_mm))):
            aslant = np.array([step, -step])
            e, f, g, h = a + step, b - aslant, c + aslant, d - step
            strips.append([_inked(lines, *ends) for ends in ((e, f), (g, h), (e, g), (f, h))])
        worst = np.sort(np.mean(strips, axis=0), axis=0)
        empty = (worst[-2] < settings.strip_max) & (worst[-1] < settings.strip_worst)
        for k in np.flatnonzero(worst[-1] < settings.strip_hatched if lined else empty):
            y0, y1 = round(min(a[k, 1], b[k, 1])), round(max(c[k, 1], d[k, 1]))
            box = (round(a[k, 0]), y0, round(b[k, 0]) + 1, y1 + 1)
            slope = float((b[k, 1] - a[k, 1]) / max(1.0, b[k, 0] - a[k, 0]))
            found.append((float(sides[k].mean()), box, tuple(sides[k].tolist()), lined, slope))
    found = [
        found[i]
        for i in np.flatnonzero(~_crossed(np.array([f[1] for f in found]).reshape(-1, 4), ends[level.drawn], px_mm))
    ]
    return sorted(
        found, key=lambda r: (r[3], min(r[2]) < 0.5, -round(r[0], 1) if min(r[2]) > 0.5 else 0.0, -area(r[1]))
    )


def _frames(
    level: _Rules, upright: _Rules, px_mm: float, settings: ProposalSettings
) -> tuple[list[np.ndarray], np.ndarray]:
    """Corners, four times ``(n, 2)``, of whole frames, whose level sides end where the upright ones stand.

    Returns the inked shares of the four sides besides.
    """
    ends = np.concatenate([level.ends, level.joined])
    (x0, y0, x1, y1), tall, wide = ends.T, settings.height_min_mm * px_mm, settings.width_min_mm * px_mm
    middle, v = (y0 + y1) / 2, upright.ends
    # one of the two rules ends at upright ones, the other may run on, as where boxes touch
    cornered = [
        (np.abs((v[:, 1] + v[:, 3]) / 2 - x[:, None]) < px_mm)
        & (v[:, 0] < y[:, None] + px_mm)
        & (v[:, 2] > y[:, None] - px_mm)
        for x, y in ((x0, y0), (x1, y1))
    ]
    exact = np.flatnonzero(cornered[0].any(1) & cornered[1].any(1) & (x1 - x0 > wide))
    if not len(exact):
        return [np.zeros((0, 2))] * 4, np.zeros((0, 4))
    spans = (x0[:, None] < x0[exact] + px_mm) & (x1[:, None] > x1[exact] - px_mm)
    pairs = []
    for below in (1, -1):
        away = below * (middle[:, None] - middle[exact])
        away[~spans | (away < tall)] = np.inf
        pairs.append(np.stack([exact, away.argmin(0)][::below])[:, np.isfinite(away.min(0))])
    upper, lower = np.concatenate(pairs, 1)
    exact = np.concatenate([pairs[0][0], pairs[1][1]])
    top, bottom = ends[upper], ends[lower]
    # a level run ends at the outer edge of the upright one, whose middle is the side
    shared = np.minimum(v[:, 2], bottom[:, 1, None]) - np.maximum(v[:, 0], top[:, 1, None])
    beside = shared > 0.3 * (bottom[:, 1] - top[:, 1])[:, None]
    at = []
    for end in (x0[exact], x1[exact]):
        off = np.where(beside, np.abs((v[:, 1] + v[:, 3]) / 2 - end[:, None]), np.inf)
        at.append(np.where(off.min(1) < px_mm, ((v[:, 1] + v[:, 3]) / 2)[off.argmin(1)], end))
    a, b, c, d = (np.column_stack([x, _along(run, x)]) for run in (top, bottom) for x in at)
    sides = np.stack(
        [
            *(_inked(level.mask, *run) for run in ((a, b), (c, d))),
            *(_inked(upright.mask, high[:, ::-1], low[:, ::-1]) for high, low in ((a, c), (b, d))),
        ],
        1,
    )
    whole = sides.min(1) > settings.side_whole_min
    return [corner[whole] for corner in (a, b, c, d)], sides[whole]


def _pairs(
    level: _Rules, px_mm: float, settings: ProposalSettings
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Which rules may be top and bottom of one rectangle, and the reach that they share."""
    ends = level.ends
    middle = (ends[:, 1] + ends[:, 3]) / 2
    tops, bottoms = np.flatnonzero(level.free[:, 1]), np.flatnonzero(level.free[:, 0])
    low = np.maximum(ends[tops, None, 0], ends[None, bottoms, 0])
    high = np.minimum(ends[tops, None, 2], ends[None, bottoms, 2])
    fits = high - low > settings.width_min_mm * px_mm
    fits &= middle[None, bottoms] - middle[tops, None] > settings.height_min_mm * px_mm
    row, column = np.nonzero(fits)
    top, bottom, low, high = tops[row], bottoms[column], low[row, column], high[row, column]
    drawn = np.flatnonzero(level.drawn)
    drawn = drawn[np.argsort(ends[drawn, 0] - ends[drawn, 2])]  # the longest part most pairs
    for some in np.split(drawn, range(16, len(drawn), 16)):
        x0, _, x1, _ = ends[some].T
        if not len(top) or not len(some) or max(x1 - x0) < min(high - low) - 2 * px_mm:
            break
        spans = (x0 < low[:, None] + px_mm) & (x1 > high[:, None] - px_mm)
        spans &= (middle[some] > middle[top, None] + px_mm) & (middle[some] < middle[bottom, None] - px_mm)
        free_between = ~spans.any(1)
        top, bottom, low, high = (v[free_between] for v in (top, bottom, low, high))
    return top, bottom, low, high


def _quads(
    top: np.ndarray,
    bottom: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    upright: _Rules,
    px_mm: float,
    settings: ProposalSettings,
) -> np.ndarray:
    """Pairs with a left and a right side: ``(n, 5)`` pair, x of both, inked share of both.

    Only what may still be a rectangle when top and bottom are inked throughout.
    """
    tol, reach = px_mm, 4 * px_mm
    v, v_free = upright.ends, upright.free
    y0, y1, v_x = (top[:, 1] + top[:, 3]) / 2, (bottom[:, 1] + bottom[:, 3]) / 2, (v[:, 1] + v[:, 3]) / 2
    order = np.argsort(v_x)
    first, last = np.searchsorted(v_x[order], low - tol, "right"), np.searchsorted(v_x[order], high + tol)
    pair, which = _runs_of(first, last)
    which = order[which]
    shared = np.minimum(v[which, 2], y1[pair]) - np.maximum(v[which, 0], y0[pair])
    pair, which = (found[shared > 0.3 * (y1 - y0)[pair]] for found in (pair, which))
    x = v_x[which]
    above, below = _along(top[pair], x), _along(bottom[pair], x)
    start, stop = ((np.column_stack([y, _along(v[which], y)])) for y in (above, below))  # on their side: along is y
    cover = _inked(upright.mask, start, stop)
    # a crease or a rule of the form runs on above and below; it is no side of a free box, and parts none
    passing = (v[which, 0] < above - reach) & (v[which, 2] > below + reach)
    quads: list[tuple[int, float, float, float, float]] = []
    sides: dict[int, list[tuple[float, float, bool, int]]] = {}
    for k in np.flatnonzero(cover > 0.5):
        sides.setdefault(int(pair[k]), []).append((float(x[k]), float(cover[k]), bool(passing[k]), int(which[k])))
    wide, both, alone = settings.width_min_mm * px_mm, 4 * settings.side_min - 2, settings.side_open_min
    for q, found in sides.items():
        found.sort()
        for i, (left, c_left, left_passing, v_left) in enumerate(found):
            if v_free[v_left, 1]:
                if c_left > alone and high[q] - left > wide:
                    quads.append((q, left, float(high[q]), c_left, 0.0))
                for right, c_right, right_passing, v_right in found[i + 1 :]:
                    if right - left < wide or (right_passing and not left_passing):
                        continue
                    if v_free[v_right, 0] and c_left + c_right > both:
                        quads.append((q, left, right, c_left, c_right))
                    if c_right > 0.95 and v_free[v_right].all():  # a rule; the strokes of letters have others near
                        break
            if v_free[v_left, 0] and c_left > alone and left - low[q] > wide:
                quads.append((q, float(low[q]), left, 0.0, c_left))
    return np.array(quads, np.float64).reshape(-1, 5)


def _crossed(boxes: np.ndarray, ends: np.ndarray, px_mm: float) -> np.ndarray:
    """Whether a level rule runs through the inside: then the parts are the boxes."""
    crossed = np.zeros(len(boxes), bool)
    x0, y0, x1, y1 = boxes.T[:, :, None]
    for some in np.split(ends, range(64, len(ends), 64)):
        left, a, right, b = some.T
        y, shared = (a + b) / 2, np.minimum(x1, right) - np.maximum(x0, left)
        margin = px_mm + np.abs(b - a)  # the sides of a leaning box are within it
        crossed |= ((y > y0 + margin) & (y < y1 - margin) & (shared > 0.75 * (x1 - x0))).any(1)
    return crossed


def _without_rivals(
    ranked: Sequence[tuple[float, Box, tuple[float, ...], bool, float]],
) -> list[tuple[float, Box, tuple[float, ...], bool, float]]:
    """The best of all hypotheses that claim the same ground: only whole ones may lie inside one another."""
    x0, y0, x1, y1 = boxes = np.array([r[1] for r in ranked], np.int64).reshape(-1, 4).T
    areas, weakest = (x1 - x0) * (y1 - y0), np.array([min(r[2]) for r in ranked])
    left, kept = np.arange(len(ranked)), []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(ranked[best])
        a0, b0, a1, b1 = boxes[:, best]
        shared = np.minimum(x1[left], a1) - np.maximum(x0[left], a0)
        shared = shared.clip(0) * (np.minimum(y1[left], b1) - np.maximum(y0[left], b0)).clip(0)
        same = shared > 0.6 * (areas[left] + areas[best] - shared)
        over = (shared > 0.2 * np.minimum(areas[left], areas[best])) & (np.minimum(weakest[left], weakest[best]) < 0.7)
        left = left[~same & ~over]
    return kept


def _overshoot(box: Box, level: np.ndarray, upright: np.ndarray, px_mm: float) -> int:
    """In how many of the eight directions the sides run on beyond the corners."""
    x0, y0, x1, y1 = box
    reach, skip = round(3 * px_mm), round(0.6 * px_mm)
    count = 0
    for mask, lines, (low, high) in ((level, (y0, y1 - 1), (x0, x1)), (upright, (x0, x1 - 1), (y0, y1))):
        for line in lines:
            row = mask[min(max(line, 0), len(mask) - 1)] & _INK
            before = row[max(0, low - skip - reach) : max(0, low - skip)]
            after = row[high + skip : high + skip + reach]
            count += int(before.size > 0 and before.mean() > 0.9) + int(after.size > 0 and after.mean() > 0.9)
    return count


def _weights(box: Box, lines: np.ndarray, band: int) -> list[float]:
    """Thickness of top, bottom, left and right, cells, where they are inked."""
    x0, y0, x1, y1 = box
    level = [lines[max(0, y - band) : y + band + 1, x0 + band : x1 - band].sum(0) for y in (y0, y1 - 1)]
    upright = [lines[y0 + band : y1 - band, max(0, x - band) : x + band + 1].sum(1) for x in (x0, x1 - 1)]
    return [float(counts[counts > 0].mean()) if counts.any() else 0.0 for counts in (*level, *upright)]
