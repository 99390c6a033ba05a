"""Where a stamp's handwritten date may stand: the lines in and around it, cut out upright in several views, and read.

The general recogniser has seen few pens and no American 1, 4, 7 and 9; the date recogniser has seen little else, and is
told what the general one makes of the same crop (:mod:`redactlib.training.date_reader`). What it says of every view
goes to :func:`redactlib.dates.read_date`.
"""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np

from redactlib.dates import parse_date
from redactlib.marks import Box
from redactlib.reading import ALPHABET, Reader, Reading, decode_lattice, halves, stretch
from redactlib.scan import Scan

LINE_HEIGHT_PX = 48
"""Height of the lines that the date recogniser reads."""

STEP_PX = 4
"""Width of one lattice step on such a line."""

CHARACTERS = "0123456789-/.,:()&# " + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""What it can say, in the order of its outputs after the blank; letters large and small are one."""


@dataclass(frozen=True)
class DateLineSettings:
    """Which lines in and around a stamp are read."""

    above_mm: float = 9.0  # the FBI's reviewers write the date over the stamp
    below_mm: float = 15.0  # the CIA's under it, behind a line or two of other notes
    before_mm: float = 6.0
    after_mm: float = 20.0  # where a blank ends the line, of which the legend's extent knows nothing before it is read
    height_min_mm: float = 1.8  # smaller is a speck or a footnote
    height_max_mm: float = 20.0  # a line with long strokes, or two lines that hang together
    length_min: float = 1.3  # of a line, by its height: no date is shorter
    slope_max_deg: float = 20.0
    coarse: float = 0.6  # second look of the line detector, which holds broken lines together
    same: float = 0.9  # lines that share so much are found twice
    one_line: float = 0.5  # and of those that share so much, or are cut from one, only one is right
    tall: float = 1.25  # by the median height: such a line may be two that hang together, so its halves are read too
    half: float = 0.62  # of a tall line's height
    figures_min: int = 3  # of a stretch of a long line that may be a date
    around: tuple[float, float] = (1.7, 1.2)  # of it, in characters: figures at its ends were taken for letters
    digits_min: int = 2  # figures that a line must seem to hold to be read carefully
    view_length_max: float = 7.0  # by its height: in a longer line the date's own extent is not the line's
    views: tuple[tuple[float, float, float], ...] = (
        (0.12, 0.12, 0.0), (0.75, 0.12, 0.0), (0.35, -0.04, 0.25), (0.5, 0.3, 0.12),
    )  # fmt: skip  # of one line: margins along and across it by its height, and the slant taken out, as a tangent
    outside: float = 0.7  # weight of a line outside the stamp's box
    nearer: float = 0.5  # of the way to the stamp's own legend: a line that is so near to another's belongs to that


@dataclass(frozen=True, eq=False)
class DateLines:
    """Readings with their weights, and the number of the crop, the found line and the written line that each is of.

    Of one written line several may be found: at another scale, or its halves; of a long one the figures are cropped.
    """

    readings: tuple[Reading, ...] = ()
    weights: tuple[float, ...] = ()
    groups: tuple[int, ...] = ()
    found: tuple[int, ...] = ()
    lines: tuple[int, ...] = ()


class DateReader:
    """The date recogniser on ONNX Runtime."""

    def __init__(self, *, model: bytes | None = None, threads: int = 1) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = threads
        options.log_severity_level = 3
        data = model or (importlib.resources.files("redactlib.models") / "date.onnx").read_bytes()
        self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])

    @cached_property
    def _columns(self) -> list[int]:
        return [0, *(1 + ALPHABET.index(c) for c in CHARACTERS)]

    def read(self, crops: Sequence[np.ndarray], guesses: Sequence[Reading] = ()) -> list[Reading]:
        """Read upright grey crops of one line each, given what the general recogniser reads in each, or alone.

        The lattice has a step for each four pixels of a 48-pixel line.
        """
        readings = []
        for i, crop in enumerate(crops):
            line = line_image(crop)
            steps = -(-line.shape[1] // STEP_PX)
            guess = as_guess(guesses[i].lattice if guesses else None, steps)
            inputs = {"line": 1 - line[None, None].astype(np.float32) / 255, "guess": guess[None]}
            logits = self._session.run(None, inputs)[0][0]
            shares = np.exp(logits - logits.max(1, keepdims=True))
            lattice = np.zeros((len(logits), 1 + len(ALPHABET)), np.float32)
            lattice[:, self._columns] = shares / shares.sum(1, keepdims=True)
            readings.append(decode_lattice(lattice))
        return readings


def line_image(crop: np.ndarray) -> np.ndarray:
    """A crop at the height that the date recogniser reads."""
    width = max(16, min(1600, round(crop.shape[1] * LINE_HEIGHT_PX / max(1, crop.shape[0]))))
    shrink = cv2.INTER_AREA if crop.shape[0] > LINE_HEIGHT_PX else cv2.INTER_LINEAR
    return cv2.resize(crop, (width, LINE_HEIGHT_PX), interpolation=shrink)


def as_guess(lattice: np.ndarray | None, steps: int) -> np.ndarray:
    """What the general recogniser says of a line, as the date recogniser takes it: ``(1 + len(ALPHABET), steps)``.

    Its probabilities on a logarithmic scale from 0 for one in ten thousand to 1, each of its steps twice as long as
    the date recogniser's; all zero where nothing is known.
    """
    if lattice is None:
        return np.zeros((1 + len(ALPHABET), steps), np.float32)
    scaled = 1 + np.log(np.clip(lattice, np.exp(-9.0), 1.0), dtype=np.float32) / 9
    twice = np.repeat(scaled, 2, axis=0)[:steps]
    return np.ascontiguousarray(np.pad(twice, ((0, steps - len(twice)), (0, 0))).T)


def date_readings(
    scan: Scan,
    box: Box,
    reader: Reader,
    dates: DateReader,
    *,
    rotation_deg: float = 0.0,
    legend: Sequence[Box] = (),
    elsewhere: Sequence[Box] = (),
    blanks: Sequence[np.ndarray] = (),
    settings: DateLineSettings = DateLineSettings(),
) -> DateLines:
    """What the date recogniser says of several views of every line in and around a stamp that may hold its date.

    Args:
        scan: the page.
        box: the stamp's, pixels.
        reader: finds lines, and reads them in general.
        dates: reads dates.
        rotation_deg: the stamp's direction of reading, counter-clockwise.
        legend: boxes of the lines of its legend.
        elsewhere: those of other stamps; lines within them, or much nearer to them, are theirs.
        blanks: corners ``(4, 2)`` of the stamp's room for a date, read whatever line is found there.
    """
    blanks = [blank for blank in blanks if _within(blank, [box]) or not _within(blank, elsewhere)]
    window, _, lines = lines_around(scan, box, reader, rotation_deg, (legend, elsewhere), blanks, settings)
    at_a_glance = dates.read([view_of(window, line, settings.views[0]) for line in lines])
    figures = [sum(map(str.isdigit, seen.text)) for seen in at_a_glance]
    likely = [i for i, count in enumerate(figures) if count >= settings.digits_min or i >= len(lines) - len(blanks)]
    read: dict[int, list[tuple[FoundLine, list[Reading]]]] = {}
    whole = [i for i in likely if lines[i].half_of is None]
    read |= _read_closer(window, {i: (lines[i], at_a_glance[i]) for i in whole}, reader, dates, settings)
    cut = [i for i in likely if lines[i].half_of is not None and not _spelt(read.get(lines[i].half_of or 0))]
    read |= _read_closer(window, {i: (lines[i], at_a_glance[i]) for i in cut}, reader, dates, settings)
    crops = [(i, line, views) for i in sorted(read) for line, views in read[i]]
    return DateLines(
        tuple(reading for _, _, views in crops for reading in views),
        tuple(line.weight for _, line, views in crops for _ in views),
        tuple(number for number, (_, _, views) in enumerate(crops) for _ in views),
        tuple(i for i, _, views in crops for _ in views),
        tuple(line.number for _, line, views in crops for _ in views),
    )


def _spelt(crops: Sequence[tuple[FoundLine, list[Reading]]] | None) -> bool:
    """Whether the best guess of some view of a line spells a date out: then it is one line, and not two."""
    return any(parse_date(reading.text) for _, views in crops or () for reading in views)


def _read_closer(
    window: np.ndarray,
    lines: dict[int, tuple[FoundLine, Reading]],
    reader: Reader,
    dates: DateReader,
    settings: DateLineSettings,
) -> dict[int, list[tuple[FoundLine, list[Reading]]]]:
    """For each line its crops with the readings of their views: the line, or of a long one the figures in it."""
    long = {i for i, (line, _) in lines.items() if line.length >= settings.view_length_max * line.height}
    whole = [(i, line, settings.views[: 1 if i in long else None]) for i, (line, _) in lines.items()]
    views_of = dict(zip(lines, _read_views(window, whole, reader, dates), strict=True))
    parts = [
        (i, part, settings.views)
        for i in sorted(long)
        for part in _figures(lines[i][0], views_of[i][0], settings) or _figures(*lines[i], settings)
    ]
    found: dict[int, list[tuple[FoundLine, list[Reading]]]] = {}
    for (i, part, _), views in zip(parts, _read_views(window, parts, reader, dates), strict=True):
        found.setdefault(i, []).append((part, views_of[i] + views))
    return {i: [(line, views_of[i])] for i, (line, _) in lines.items()} | found


def _read_views(
    window: np.ndarray,
    crops: Sequence[tuple[int, FoundLine, Sequence[tuple[float, float, float]]]],
    reader: Reader,
    dates: DateReader,
) -> list[list[Reading]]:
    """What the date recogniser says of each view of each crop, told what the general one makes of it."""
    pictures = [view_of(window, line, view) for _, line, views in crops for view in views]
    readings = iter(dates.read(pictures, reader.read(pictures, careful=True)) if pictures else ())
    return [[next(readings) for _ in views] for _, _, views in crops]


def _figures(line: FoundLine, seen: Reading, settings: DateLineSettings) -> list[FoundLine]:
    """The stretches of a long line that hold figures with strokes between them, as a date does."""
    found = []
    for run in re.finditer(r"[\d/|.,IOlSBGTZ-]{4,}", seen.text):
        if sum(c.isdigit() for c in run.group()) < settings.figures_min:
            continue
        first, last = seen.centres[run.start()], seen.centres[run.end() - 1]
        step = (last - first) / (run.end() - run.start() - 1)
        low, high = first - settings.around[0] * step, last + settings.around[1] * step
        found.append(replace(line, corners=stretch(line.corners, max(0.0, low), min(1.0, high))))
    return found


def date_crops(
    scan: Scan,
    box: Box,
    reader: Reader,
    *,
    rotation_deg: float = 0.0,
    settings: DateLineSettings = DateLineSettings(),
) -> list[tuple[np.ndarray, float]]:
    """Upright grey crops of the lines in and around a stamp, with weights; arguments as for :func:`date_readings`."""
    window, _, lines = lines_around(scan, box, reader, rotation_deg, ((), ()), (), settings)
    return [(view_of(window, line, settings.views[0]), line.weight) for line in lines]


@dataclass(frozen=True, eq=False)
class FoundLine:
    """A line in a stamp's window.

    Attributes:
        corners: float ``(4, 2)``.
        weight: how much it counts.
        number: of the written line, of which it may be one of several cuttings.
        half_of: place of the line whose upper or lower half it is, ``None`` of a whole one.
        margin_max: across it, that is still its own, by its height.
    """

    corners: np.ndarray
    weight: float
    number: int = 0
    half_of: int | None = None
    margin_max: float = 1.0

    @property
    def length(self) -> float:
        return float(np.linalg.norm(self.corners[1] - self.corners[0]))

    @property
    def height(self) -> float:
        return float(np.linalg.norm(self.corners[3] - self.corners[0]))


def lines_around(
    scan: Scan,
    box: Box,
    reader: Reader,
    rotation_deg: float,
    legends: tuple[Sequence[Box], Sequence[Box]],
    blanks: Sequence[np.ndarray],
    settings: DateLineSettings,
) -> tuple[np.ndarray, np.ndarray, list[FoundLine]]:
    """The stamp and its surroundings set upright, and the lines there; of tall lines also the halves; blanks last.

    Args:
        scan, box, reader, rotation_deg, blanks: as for :func:`date_readings`.
        legends: boxes of the stamp's own printed lines, and of those of others.
        settings: how far and for what is looked.

    Returns:
        the window, uint8 ``(h, w)``; the affine map ``(2, 3)`` from there to the page; the lines in the window.
    """
    window, to_page = _window(scan, box, rotation_deg, settings)
    found: list[np.ndarray] = []
    for scale in (1.0, settings.coarse):
        small = cv2.resize(window, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else window
        for corners in reader.find_lines(small):
            line = corners / np.float32(scale)
            if _fits(line, scan, settings) and not any(_share(line, other) > settings.same for other in found):
                found.append(line)
    usual = float(np.median([np.linalg.norm(line[3] - line[0]) for line in found])) if found else 0.0
    lines: list[FoundLine] = []
    for i, corners in enumerate(found):
        on_page = cv2.transform(corners[None], to_page)[0]
        at_home = _within(on_page, [box])
        if not at_home and _is_another_s(on_page, *legends, settings):
            continue
        number = next((j for j, other in enumerate(found[:i]) if _share(corners, other) > settings.one_line), i)
        whole = FoundLine(corners, 1.0 if at_home else settings.outside, number)
        lines.append(whole)
        if whole.height > settings.tall * usual:
            at, parts = len(lines) - 1, halves(corners, settings.half)
            lines += [FoundLine(half, whole.weight, number, at, margin_max=0.05) for half in parts]
    from_page = cv2.invertAffineTransform(to_page)
    for i, blank in enumerate(blanks):
        corners = cv2.transform(blank[None], from_page)[0]
        same = (line.number for line in lines if _share(corners, line.corners) > settings.one_line)
        lines.append(FoundLine(corners, 1.0, next(same, len(found) + i), margin_max=0.12))
    return window, to_page, lines


def view_of(window: np.ndarray, line: FoundLine, view: tuple[float, float, float]) -> np.ndarray:
    """One line cut out with margins and set upright, its slant taken out; settings as in `DateLineSettings.views`."""
    along_margin, across_margin, slant = view
    across_margin = min(across_margin, line.margin_max)
    top_left, top_right, _, bottom_left = line.corners.astype(np.float64)
    right = (top_right - top_left) / max(1e-6, line.length)
    down = (bottom_left - top_left) / max(1e-6, line.height)
    length, height = line.length + 2 * along_margin * line.height, line.height * (1 + 2 * across_margin)
    lean = right * slant * height / 2
    corner = top_left - (right * along_margin + down * across_margin) * line.height
    source = np.array([corner + lean, corner + lean + right * length, corner - lean + down * height], np.float32)
    size = max(8, round(length)), max(8, round(height))
    target = np.array([[0, 0], [size[0], 0], [0, size[1]]], np.float32)
    matrix = cv2.getAffineTransform(source, target)
    shrink = cv2.INTER_AREA if size[1] > 96 else cv2.INTER_LINEAR
    return cv2.warpAffine(window, matrix, size, flags=shrink, borderMode=cv2.BORDER_CONSTANT, borderValue=255)


def _window(scan: Scan, box: Box, rotation_deg: float, settings: DateLineSettings) -> tuple[np.ndarray, np.ndarray]:
    """The stamp and its surroundings set upright, and the affine map ``(2, 3)`` from there to the page."""
    x0, y0, x1, y1 = box
    angle = np.radians(rotation_deg)
    right, down = np.array([np.cos(angle), -np.sin(angle)]), np.array([np.sin(angle), np.cos(angle)])
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], float)
    along, across = corners @ right, corners @ down
    before, after = scan.mm(settings.before_mm), scan.mm(settings.after_mm)
    above, below = scan.mm(settings.above_mm), scan.mm(settings.below_mm)
    if abs((rotation_deg + 45) % 90 - 45) > 4:  # the box of a slanted stamp is larger than the stamp
        above, below = above / 2, below / 2
    left, top = along.min() - before, across.min() - above
    size = round(along.max() + after - left), round(across.max() + below - top)
    origin = left * right + top * down
    to_page = np.column_stack([right, down, origin]).astype(np.float32)
    window = cv2.warpAffine(scan.grey, to_page, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderValue=255)
    return window, to_page


def _fits(line: np.ndarray, scan: Scan, settings: DateLineSettings) -> bool:
    along, height = line[1] - line[0], float(np.linalg.norm(line[3] - line[0]))
    slope = abs(float(np.degrees(np.arctan2(along[1], along[0]))))
    return (
        scan.mm(settings.height_min_mm) <= height <= scan.mm(settings.height_max_mm)
        and float(np.linalg.norm(along)) >= settings.length_min * height
        and slope <= settings.slope_max_deg
    )


def _share(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two lines' upright bounds."""
    low, high = np.maximum(a.min(0), b.min(0)), np.minimum(a.max(0), b.max(0))
    shared = float(np.prod(np.maximum(0, high - low)))
    return shared / (float(np.prod(np.ptp(a, 0))) + float(np.prod(np.ptp(b, 0))) - shared)


def _is_another_s(
    corners: np.ndarray, legend: Sequence[Box], elsewhere: Sequence[Box], settings: DateLineSettings
) -> bool:
    """Whether a line stands in another stamp's legend, or much nearer to that than to the stamp's own."""
    if not elsewhere or not legend:
        return _within(corners, elsewhere)
    own, other = (min(_gap(corners, box) for box in boxes) for boxes in (legend, elsewhere))
    return _within(corners, elsewhere) or other < settings.nearer * own


def _gap(corners: np.ndarray, box: Box) -> float:
    """Between a line's upright bounds and a box, 0 where they touch."""
    low, high = corners.min(0), corners.max(0)
    apart = np.maximum(0, np.maximum(np.array(box[:2]) - high, low - np.array(box[2:])))
    return float(np.hypot(*apart))


def _within(corners: np.ndarray, boxes: Sequence[Box]) -> bool:
    x, y = corners.mean(0)
    return any(b[0] <= x < b[2] and b[1] <= y < b[3] for b in boxes)
