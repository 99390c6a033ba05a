"""Where a stamp's handwritten date may stand: the lines in and around it, cut out upright, and read by two recognisers.

The general recogniser has seen few pens and no American 1, 4, 7 and 9; the date recogniser has seen nothing else
(:mod:`redactlib.training.date_reader`). What both say goes to :func:`redactlib.dates.read_date`.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from redactlib.marks import Box
from redactlib.reading import ALPHABET, Reader, Reading, crop_line, decode_lattice
from redactlib.scan import Scan

LINE_HEIGHT_PX = 48
"""Height of the lines that the date recogniser reads."""

CHARACTERS = "0123456789-/.,:()&# " + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""What it can say, in the order of its outputs after the blank; letters large and small are one."""


@dataclass(frozen=True)
class DateLineSettings:
    """Which lines in and around a stamp are read."""

    above_mm: float = 9.0  # the FBI's reviewers write the date over the stamp
    below_mm: float = 6.0  # the CIA's under it
    beside_mm: float = 6.0
    height_min_mm: float = 1.8  # smaller is a speck or a footnote
    height_max_mm: float = 20.0  # a line with long strokes, or two lines that hang together
    length_min: float = 1.3  # of a line, by its height: no date is shorter
    slope_max_deg: float = 20.0
    coarse: float = 0.6  # second look of the line detector, which holds broken lines together
    same: float = 0.9  # lines that share so much are one
    tall: float = 1.25  # by the median height: such a line may be two that hang together, so its halves are read too
    half: float = 0.62  # of a tall line's height
    digits_min: int = 2  # figures that a line must seem to hold to be read carefully
    outside: float = 0.4  # weight of a line outside the stamp's box


@dataclass(frozen=True, eq=False)
class DateLines:
    """Readings with their weights and the number of their crop, as :func:`redactlib.dates.read_date` takes them."""

    readings: tuple[Reading, ...]
    weights: tuple[float, ...]
    groups: tuple[int, ...]


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

    def read(self, crops: Sequence[np.ndarray]) -> list[Reading]:
        """Read upright grey crops of one line each; the lattice has a step for each four pixels of a 48-pixel line."""
        readings = []
        for crop in crops:
            width = max(16, min(1600, round(crop.shape[1] * LINE_HEIGHT_PX / max(1, crop.shape[0]))))
            shrink = cv2.INTER_AREA if crop.shape[0] > LINE_HEIGHT_PX else cv2.INTER_LINEAR
            line = cv2.resize(crop, (width, LINE_HEIGHT_PX), interpolation=shrink)
            darkness = 1 - line[None, None].astype(np.float32) / 255
            logits = self._session.run(None, {"line": darkness})[0][0]
            shares = np.exp(logits - logits.max(1, keepdims=True))
            lattice = np.zeros((len(logits), 1 + len(ALPHABET)), np.float32)
            lattice[:, self._columns] = shares / shares.sum(1, keepdims=True)
            readings.append(decode_lattice(lattice))
        return readings


def date_readings(
    scan: Scan,
    box: Box,
    reader: Reader,
    dates: DateReader,
    *,
    rotation_deg: float = 0.0,
    elsewhere: Sequence[Box] = (),
    settings: DateLineSettings = DateLineSettings(),
) -> DateLines:
    """What both recognisers say of every line in and around a stamp that may hold a handwritten date.

    Args:
        scan: the page.
        box: the stamp's, pixels.
        reader: finds lines, and reads them in general.
        dates: reads dates.
        rotation_deg: the stamp's direction of reading, counter-clockwise.
        elsewhere: boxes of other stamps; lines within them are theirs.
    """
    lines = date_crops(scan, box, reader, rotation_deg=rotation_deg, elsewhere=elsewhere, settings=settings)
    own = dates.read([crop for crop, _ in lines])
    likely = [i for i, reading in enumerate(own) if sum(c.isdigit() for c in reading.text) >= settings.digits_min]
    general = reader.read([lines[i][0] for i in likely], careful=True)
    readings = (*(own[i] for i in likely), *general)
    return DateLines(readings, tuple(lines[i][1] for i in likely) * 2, tuple(likely) * 2)


def date_crops(
    scan: Scan,
    box: Box,
    reader: Reader,
    *,
    rotation_deg: float = 0.0,
    elsewhere: Sequence[Box] = (),
    settings: DateLineSettings = DateLineSettings(),
) -> list[tuple[np.ndarray, float]]:
    """Upright grey crops of the lines in and around a stamp, with weights; arguments as for :func:`date_readings`."""
    window, to_page = _window(scan, box, rotation_deg, settings)
    found: list[np.ndarray] = []
    for scale in (1.0, settings.coarse):
        small = cv2.resize(window, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else window
        for corners in reader.find_lines(small):
            line = corners / np.float32(scale)
            if _fits(line, scan, settings) and not any(_share(line, other) > settings.same for other in found):
                found.append(line)
    usual = float(np.median([np.linalg.norm(line[3] - line[0]) for line in found])) if found else 0.0
    crops = []
    for line in found:
        at_home = _within(cv2.transform(line[None], to_page)[0], [box])
        if not at_home and _within(cv2.transform(line[None], to_page)[0], elsewhere):
            continue
        weight = 1.0 if at_home else settings.outside
        crops.append((crop_line(window, line, pad=0.12), weight))
        if np.linalg.norm(line[3] - line[0]) > settings.tall * usual:
            crops += [(crop_line(window, half, pad=0.05), weight) for half in _halves(line, settings.half)]
    return crops


def _halves(line: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """The upper and the lower part of a line, each with this share of its height."""
    down = (line[3] - line[0]) * np.float32(share)
    upper, lower = line.copy(), line.copy()
    upper[2:] = line[[1, 0]] + down
    lower[:2] = line[[3, 2]] - down
    return upper, lower


def _window(scan: Scan, box: Box, rotation_deg: float, settings: DateLineSettings) -> tuple[np.ndarray, np.ndarray]:
    """The stamp and its surroundings set upright, and the affine map ``(2, 3)`` from there to the page."""
    x0, y0, x1, y1 = box
    angle = np.radians(rotation_deg)
    right, down = np.array([np.cos(angle), -np.sin(angle)]), np.array([np.sin(angle), np.cos(angle)])
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], float)
    along, across = corners @ right, corners @ down
    beside, above, below = (scan.mm(v) for v in (settings.beside_mm, settings.above_mm, settings.below_mm))
    if abs((rotation_deg + 45) % 90 - 45) > 2:  # the box of a slanted stamp is larger than the stamp
        above, below = above / 2, below / 2
    left, top = along.min() - beside, across.min() - above
    size = round(along.max() + beside - left), round(across.max() + below - top)
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


def _within(corners: np.ndarray, boxes: Sequence[Box]) -> bool:
    x, y = corners.mean(0)
    return any(b[0] <= x < b[2] and b[1] <= y < b[3] for b in boxes)
