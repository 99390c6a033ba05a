"""Lines drawn for the date recogniser: dates, initials and numbers as pens leave them in a stamp, over what is there.

Figures come from MNIST (LeCun et al. 1998; American hands), from the pen strokes of :mod:`redactlib.synth.pen` and from
handwriting fonts. Around and across them lies what spoils real fills: neighbouring lines, ruling, strikes, print.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from redactlib.datelines import LINE_HEIGHT_PX
from redactlib.dates import MONTHS
from redactlib.synth.fonts import load
from redactlib.synth.pen import Hand, draw_hand, write

CAPITAL_PX = 40
"""Height of a capital where lines are drawn, before they are scaled to the recogniser's height."""


@dataclass(frozen=True, eq=False)
class LineSources:
    """What lines are drawn from.

    Attributes:
        digits: by figure, uint8 ``(n, 28, 28)``, ink bright; empty to do without.
        hands: files of handwriting fonts.
        prints: files of type faces.
    """

    digits: Sequence[np.ndarray]
    hands: Sequence[str]
    prints: Sequence[str]


def read_digits(folder: Path) -> list[np.ndarray]:
    """MNIST's training images by figure, from the folder of its four idx files (plain or ``.gz``)."""
    images, labels = (_idx(folder, f"train-{name}-ubyte") for name in ("images-idx3", "labels-idx1"))
    return [images[labels == figure] for figure in range(10)]


def _idx(folder: Path, name: str) -> np.ndarray:
    plain = folder / name
    data = plain.read_bytes() if plain.exists() else gzip.decompress((folder / f"{name}.gz").read_bytes())
    axes = data[3]
    shape = np.frombuffer(data, ">i4", axes, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape)


def draw_line(rng: np.random.Generator, sources: LineSources) -> tuple[np.ndarray, str]:
    """One line: grey uint8 ``(LINE_HEIGHT_PX, w)``, and what it says, in capitals, strokes between figures as ``/``."""
    if sources.prints and rng.random() < _FORM_LINES:
        ink, text = _filled_in(rng, sources)
    else:
        text = line_text(rng)
        ink = _warped(_write(text, rng, sources), rng)
    if rng.random() < _CLIPPED:
        gone = round(ink.shape[0] * float(rng.uniform(0.03, 0.14)))
        ink = ink[gone:] if rng.random() < 0.5 else ink[: ink.shape[0] - gone]
    height = round(ink.shape[0] / rng.uniform(0.5, 0.98))
    width = ink.shape[1] + round(rng.uniform(0.1, 1.2) * CAPITAL_PX)
    canvas = np.zeros((height, width), np.float32)
    top, left = int(rng.integers(0, height - ink.shape[0] + 1)), int(rng.integers(0, width - ink.shape[1] + 1))
    canvas[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    for layer in _surroundings(rng, sources, canvas.shape, top + ink.shape[0]):
        canvas = np.maximum(canvas, layer)
    return _scanned(canvas, rng), text.upper().replace("|", "/")


_FORM_LINES = 0.3  # share of the lines that are a stamp's own, legend and fill
_CLIPPED = 0.12  # share of the lines that were cut out too close, so that tails are lost

_LEGENDS = (
    "DATE {date} BY {who}", "DATE {date}", "Date: {date}", "ON {date}", "on {date} {by}", "BY {by} DATE {date}",
    "By {by} NARA Date {date}", "By {by}, NARA, Date {date}", "By {by} NARS Date {date}", "BY {by} NARA DATE {date}",
    "DATE: {date} REVIEWER: {num}", "REVIEWED BY {by} DATE {date}", "FPC/HDR by {by} {date}", "{by} Date: {date}",
    "AS SANITIZED {by} {date}", "IN THIS DOCUMENT. {by} {date}", "NEXT REVIEW DATE: {year}", "Classified by {who}",
    "DOCUMENT NO. {num}", "DECLASSIFIED BY {who}", "1ST REVIEW DATE: {date} DETERMINATION", "By {by} NLE Date {date}",
)  # fmt: skip


def _filled_in(rng: np.random.Generator, sources: LineSources) -> tuple[np.ndarray, str]:
    """A line of a stamp: printed words on one height, and beside them, on a rule or across it, what a pen wrote."""
    initials, others = _initials(rng), _initials(rng)
    number = str(rng.integers(1000, 9999))
    fills = {
        "date": _date_text(rng), "by": initials, "num": number, "year": str(rng.integers(1989, 2012)),
        "who": str(rng.choice([f"SP{number[0]} {initials}/{others}", number, f"{number} {initials}/{others}"])),
    }  # fmt: skip
    face, size = str(rng.choice(sources.prints)), float(rng.uniform(0.5, 1.0))
    hand = draw_hand(rng)
    ruled = rng.random() < 0.7
    base, x = 3 * CAPITAL_PX, CAPITAL_PX
    canvas = np.zeros((5 * CAPITAL_PX, 70 * CAPITAL_PX), np.float32)
    highest, lowest, said = base, base, []
    for piece in re.split(r"(\{\w+\})", str(rng.choice(_LEGENDS))):
        text = fills.get(piece.strip("{}"), piece).strip()
        if not text:
            continue
        if piece.startswith("{"):
            ink = _warped(_write(text, rng, sources, hand), rng)
            scale = float(rng.uniform(0.7, 1.25))
            ink = cv2.resize(ink, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            low = base + round(float(rng.normal(0.05, 0.15)) * CAPITAL_PX)
            if ruled:
                canvas[base : base + int(rng.integers(1, 4)), x : x + ink.shape[1] + CAPITAL_PX // 2] = 1.0
        else:
            ink = _typeset(text, face, rng, size)
            low = base + (round(0.2 * ink.shape[0]) if any(c in ",gjpqy" for c in text) else 0)
        top = max(0, low - ink.shape[0])
        part = canvas[top : top + ink.shape[0], x : x + ink.shape[1]]
        np.maximum(part, ink[: part.shape[0], : part.shape[1]], out=part)
        x = min(x + ink.shape[1] + round(float(rng.uniform(-0.1, 0.7)) * CAPITAL_PX), canvas.shape[1] - CAPITAL_PX)
        said.append(text)
        highest, lowest = min(highest, top), max(lowest, low)
    for side in (-1, 1):  # the stamp's next lines, which a large hand runs into
        if rng.random() < 0.5:
            ink = _typeset(str(rng.choice(_PRINTED_WORDS)), face, rng, size)
            low = base + side * round(float(rng.uniform(0.8, 1.6)) * max(size, 0.7) * CAPITAL_PX)
            top, left = max(0, low - ink.shape[0]), int(rng.integers(0, max(1, x - CAPITAL_PX)))
            part = canvas[top : top + ink.shape[0], left : left + ink.shape[1]]
            np.maximum(part, ink[: part.shape[0], : part.shape[1]], out=part)
    above, below = (round(float(rng.uniform(0.0, 0.25)) * CAPITAL_PX) for _ in range(2))
    line = canvas[max(0, highest - above) : lowest + below, :x]
    columns = np.flatnonzero(line.any(0))
    return line[:, columns[0] : columns[-1] + 1], " ".join(said)


def _initials(rng: np.random.Generator) -> str:
    return "".join(rng.choice(list("ABCDEFGHJKLMNPRSTW"), rng.integers(1, 4)))


def line_text(rng: np.random.Generator) -> str:
    """What a pen writes into a stamp: mostly a date, alone or beside initials; else a reviewer's number or words."""
    letters = list("ABCDEFGHJKLMNPRSTW")
    initials = _initials(rng)
    if rng.random() < 0.25:
        number = str(rng.integers(1000, 9999))
        words = (
            f"{number} {initials}/{''.join(rng.choice(letters, 3))}", f"SP{number[0]} {initials}/{initials[::-1]}",
            f"{number[:3]},{number[1:]}", f"({initials})", "AS SANITIZED", "EXCEPT BRACKETS",
            f"25X {number[0]},{number[1]}",
            f"CLASSIFIED BY {number}", f"By {number} {initials}", f"Declassify on: OADR {initials}",
        )  # fmt: skip
        return str(rng.choice(words))
    date = _date_text(rng)
    before = ("", "", "", f"{initials} ", f"({initials}) ", "DATE ", f"({initials} ", "on ", f"{initials.lower()} ")
    after = ("", "", "", "", ")", f" ({initials})", " BY ", f" {initials}", ".")
    return f"{rng.choice(before)}{date}{rng.choice(after)}"


def _date_text(rng: np.random.Generator) -> str:
    month, day = int(rng.integers(1, 13)), int(rng.integers(1, 32))
    year = int(
        rng.choice([rng.integers(1975, 1990), rng.integers(1988, 2003), rng.integers(2000, 2025)], p=[0.2, 0.55, 0.25])
    )
    years = str(year) if rng.random() < 0.12 else f"{year % 100:02d}"
    if rng.random() < 0.18:
        name = MONTHS[month - 1] if rng.random() < 0.5 else MONTHS[month - 1].title()
        forms = (f"{day} {name} {years}", f"{name} {day} {years}", f"{day}{name}{years}", f"{name} {year}")
        return str(rng.choice(forms, p=[0.6, 0.2, 0.1, 0.1]))
    stroke = str(rng.choice(["-", "/", "|", ".", " - "], p=[0.43, 0.42, 0.06, 0.05, 0.04]))
    pad = "02d" if rng.random() < 0.1 else "d"
    first, second = (month, day) if rng.random() < 0.97 else (day, month)
    return f"{first:{pad}}{stroke}{second:{pad}}{stroke}{years}"


def _write(text: str, rng: np.random.Generator, sources: LineSources, hand: Hand | None = None) -> np.ndarray:
    """Ink of a handwritten line, by a given hand or any, float32 0..1, cut to its bounds."""
    kind = rng.random()
    if kind < 0.25 and sources.hands:
        return _typeset(text, str(rng.choice(sources.hands)), rng)
    hand = hand or draw_hand(rng)
    hand = replace(hand, wobble=hand.wobble * 1.5, width=hand.width * float(rng.uniform(0.8, 1.2)))
    unit = CAPITAL_PX / 10
    from_digits = kind < 0.65 and bool(sources.digits)
    pen = int(rng.integers(2, 8)) if rng.random() < 0.85 else int(rng.integers(8, 12))
    stretch = float(rng.uniform(1.0, 1.6))
    canvas = np.zeros((4 * CAPITAL_PX, round(len(text) * 1.7 * CAPITAL_PX) + 4 * CAPITAL_PX), np.uint8)
    x, base = 2.0 * CAPITAL_PX, 2.6 * CAPITAL_PX
    for char in text:
        base += rng.normal(0, 0.03) * CAPITAL_PX
        if char == " ":
            x += rng.uniform(0.3, 0.9) * CAPITAL_PX
            continue
        if from_digits and char.isdigit():
            figure = _figure(sources.digits[int(char)], rng, pen)
            top, left = round(base - figure.shape[0]), round(x)
            part = canvas[top : top + figure.shape[0], left : left + figure.shape[1]]
            np.maximum(part, figure, out=part)
            x += figure.shape[1] + rng.uniform(0.0, 0.25) * CAPITAL_PX
            continue
        widest = 0.0
        for stroke in write(char, hand, rng):
            points = stroke * unit * ((1.0, stretch) if char in "/|" else (1.0, 1.0))
            widest = max(widest, float(points[:, 0].max()))
            places = np.round((points + np.array([x, base])) * 8).astype(np.int32)
            cv2.polylines(canvas, [places], False, 255, pen, cv2.LINE_AA, 3)
        x += widest + hand.spacing * unit * float(rng.uniform(0.2, 1.0))
    return _cut(canvas.astype(np.float32) / 255)


def _figure(samples: np.ndarray, rng: np.random.Generator, pen: int) -> np.ndarray:
    """One MNIST figure at the height of a capital, its strokes about as thick as the pen."""
    sample = _cut(samples[rng.integers(len(samples))])
    height = round(CAPITAL_PX * rng.uniform(0.8, 1.15))
    width = max(8, round(sample.shape[1] * height / sample.shape[0] * rng.uniform(0.8, 1.2)))
    width = min(width, 2 * CAPITAL_PX)
    large = cv2.resize(sample, (width, height), interpolation=cv2.INTER_CUBIC)
    large = cv2.GaussianBlur(large, (0, 0), 1.0)
    return np.uint8(255) * (large > np.interp(pen, (2, 7, 11), (190, 90, 40))).astype(np.uint8)


def _typeset(text: str, file: str, rng: np.random.Generator, size: float = 1.0) -> np.ndarray:
    font = load(file, round(CAPITAL_PX * 1.4 * size))
    left, top, right, bottom = font.getbbox(text)
    picture = Image.new("L", (round(right - left) + 8, round(bottom - top) + 8))
    ImageDraw.Draw(picture).text((4 - left, 4 - top), text, fill=255, font=font)
    ink = np.asarray(picture)
    grow = int(rng.integers(1, 4))
    return _cut(cv2.dilate(ink, np.ones((grow, grow), np.uint8)).astype(np.float32) / 255)


def _cut(ink: np.ndarray) -> np.ndarray:
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    if not len(rows):
        return np.zeros((8, 8), ink.dtype)
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _warped(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The line sheared, turned and bent as a moving hand does."""
    pad = CAPITAL_PX
    ink = cv2.copyMakeBorder(ink, pad, pad, pad, pad, cv2.BORDER_CONSTANT)
    height, width = ink.shape
    shear, turn, stretch = rng.normal(0, 0.15), np.radians(rng.normal(0, 2.0)), rng.uniform(0.75, 1.25)
    matrix = np.array([[stretch, -shear, shear * height / 2], [np.tan(turn), 1, -np.tan(turn) * width / 2]], np.float32)
    ink = cv2.warpAffine(ink, matrix, (round(width * max(1.0, stretch)), height))
    height, width = ink.shape
    coarse = rng.normal(0, 1, (2, 3 + height // 27, 3 + width // 27)).astype(np.float32)
    shift_x, shift_y = (
        cv2.resize(c, (width, height), interpolation=cv2.INTER_CUBIC) * rng.uniform(0, 2.7) for c in coarse
    )
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return _cut(np.where(cv2.remap(ink, x + shift_x, y + shift_y, cv2.INTER_LINEAR) > 0.3, 1.0, 0.0).astype(np.float32))


def _surroundings(
    rng: np.random.Generator, sources: LineSources, shape: tuple[int, ...], bottom: int
) -> list[np.ndarray]:
    """Ink around and across a line: neighbours above and below, ruling, strikes, print, specks."""
    height, width = shape
    layers = []

    def empty() -> np.ndarray:
        layers.append(np.zeros((height, width), np.float32))
        return layers[-1]

    for place, chance in (("above", 0.35), ("below", 0.35), ("across", 0.08)):
        if rng.random() < chance:
            words = line_text(rng) if rng.random() < 0.4 else str(rng.choice(_PRINTED_WORDS))
            handwritten = words not in _PRINTED_WORDS
            other = (
                _write(words, rng, sources) if handwritten else _typeset(words, str(rng.choice(sources.prints)), rng)
            )
            depth = min(other.shape[0], round(height * rng.uniform(0.05, 0.3)))
            layer, left = empty(), int(rng.integers(-width // 2, max(1, width // 2)))
            part = other[:, max(0, -left) :][:, : width - max(0, left)]
            if place == "above":
                layer[:depth, max(0, left) : max(0, left) + part.shape[1]] = part[-depth:]
            elif place == "below":
                layer[height - depth :, max(0, left) : max(0, left) + part.shape[1]] = part[:depth]
            else:
                top = int(rng.integers(0, max(1, height - part.shape[0])))
                rows = part[: height - top]
                layer[top : top + rows.shape[0], max(0, left) : max(0, left) + part.shape[1]] = rows
    if rng.random() < 0.25:
        y = bottom - rng.uniform(-0.15, 0.3) * CAPITAL_PX
        start, end = (int(rng.integers(-width // 2, width // 2)), round(y)), (width + 5, round(y + rng.normal(0, 4)))
        cv2.line(empty(), start, end, 1.0, int(rng.integers(1, 5)), cv2.LINE_AA)
    if rng.random() < 0.2:
        for _ in range(int(rng.integers(1, 3))):
            ends = [(int(rng.integers(-width // 4, width + width // 4)), int(y)) for y in (-5, height + 5)]
            if rng.random() < 0.4:
                ends = [(x, int(rng.integers(0, height))) for x in (-5, width + 5)]
            cv2.line(empty(), ends[0], ends[1], 1.0, int(rng.integers(2, 9)), cv2.LINE_AA)
    if rng.random() < 0.3:
        layer = empty()
        for _ in range(int(rng.integers(1, 12))):
            spot = int(rng.integers(0, width)), int(rng.integers(0, height))
            cv2.circle(layer, spot, int(rng.integers(1, 4)), 1.0, -1)
    return layers


_PRINTED_WORDS = (
    "CLASSIFIED BY", "Classified by", "DECLASSIFY ON: 25X", "Declassify on: OADR", "IN THIS DOCUMENT.",
    "HEREIN IS UNCLASSIFIED", "DATE          BY", "RELEASE OF CIA INFORMATION", "DECLASSIFICATION AND/OR,",
    "reference is made to prior", "Director, FBI", "advised that the subject", "E.O. 12356, Sec. 3.4", "NARA, Date",
)  # fmt: skip


def spoil(line: np.ndarray, rng: np.random.Generator, others: Sequence[np.ndarray]) -> np.ndarray:
    """A grey line as it may look in a stamp: pen thicker or thinner, real print over it, strokes across it.

    Args:
        line: uint8 ``(h, w)``.
        rng: of the draw.
        others: grey lines of print.
    """
    height, width = line.shape
    spoilt = line.copy()
    if rng.random() < 0.25:
        change = cv2.erode if rng.random() < 0.6 else cv2.dilate
        spoilt = change(spoilt, np.ones((2, 2), np.uint8))
    if others and rng.random() < 0.35:
        scale = float(rng.uniform(0.55, 1.0))
        print_ = cv2.resize(
            others[int(rng.integers(len(others)))], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA
        )
        away = rng.choice([-1, 1]) * rng.uniform(0.45, 0.95) if rng.random() < 0.75 else rng.uniform(-0.4, 0.4)
        left = float(rng.integers(-print_.shape[1] // 2, max(1, width - print_.shape[1] // 2)))
        shift = np.array([[1, 0, left], [0, 1, (height - print_.shape[0]) // 2 + away * height]], np.float32)
        spoilt = np.minimum(spoilt, cv2.warpAffine(print_, shift, (width, height), borderValue=255))
    if rng.random() < 0.22:
        dark = int(spoilt.min())
        for _ in range(int(rng.integers(1, 3))):
            ends = [(-8, int(rng.integers(-10, height + 10))), (width + 8, int(rng.integers(-10, height + 10)))]
            if rng.random() < 0.6:
                x = int(rng.integers(0, width))
                ends = [(x, -8), (int(x + rng.normal(0, 1.0) * height), height + 8)]
            cv2.line(spoilt, ends[0], ends[1], dark, int(rng.integers(2, 7)), cv2.LINE_AA)
    return spoilt


def _scanned(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What a scanner makes of a line: broken ink, two levels or grey, at the recogniser's height."""
    scanned_height = int(rng.integers(34, 110))
    scale = scanned_height / ink.shape[0]
    size = max(8, round(ink.shape[1] * scale)), scanned_height
    small = cv2.resize(cv2.GaussianBlur(ink, (0, 0), rng.uniform(0.4, 1.4)), size, interpolation=cv2.INTER_AREA)
    if rng.random() < 0.4:
        rough = cv2.GaussianBlur(
            np.asarray(rng.standard_normal(small.shape), np.float32), (0, 0), rng.uniform(0.6, 2.0)
        )
        small = small - np.float32(rng.uniform(0.1, 0.6)) * np.maximum(rough / max(1e-6, float(rough.std())), 0)
    if rng.random() < 0.75:
        small = (small > rng.uniform(0.25, 0.6)).astype(np.float32)
    width = max(8, round(size[0] * LINE_HEIGHT_PX / scanned_height))
    line = cv2.resize(
        small, (width, LINE_HEIGHT_PX), interpolation=cv2.INTER_AREA if scanned_height > 48 else cv2.INTER_LINEAR
    )
    paper, dark = rng.uniform(225, 255), rng.uniform(0, 60)
    tone = paper - np.clip(line, 0, 1) * (paper - dark) + rng.normal(0, 2, line.shape)
    bounded: np.ndarray = np.clip(tone, 0, 255)
    return bounded.astype(np.uint8)
