"""Pieces of pages with stamped words over them, for the lettering model: real ones, cut-outs of real ones, drawn ones.

A word is drawn in type as rubber stamps have it, then worn: in outline, in dots, twice, pale at one end, crossed out,
under a release line or a marker. Where the truth is not known, as at head and foot of pages without labels, it takes no
part in the loss.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from redactlib.detect.spotting import KINDS, SpotSettings, darkness_of
from redactlib.scan import open_scans
from redactlib.synth.fonts import Fonts, load
from redactlib.training.labels import document_of, labels_of, pages_in

TOP_SECRET, SECRET, CONFIDENTIAL, UNCLASSIFIED, CONTROL, GROUP, DATE, SERIAL = range(len(KINDS))
LEVELS = (TOP_SECRET, SECRET, CONFIDENTIAL, UNCLASSIFIED, CONTROL)

_CONTROLS = (
    "RESTRICTED", "FOR OFFICIAL USE ONLY", "OFFICIAL USE ONLY", "LIMITED OFFICIAL USE", "NO FOREIGN DISSEM", "NOFORN",
    "EYES ONLY", "NO DISSEM ABROAD", "BACKGROUND USE ONLY", "CONTROLLED DISSEM", "SENSITIVE", "INTERNAL USE ONLY",
    "CONTINUED CONTROL", "RYBAT", "EXDIS", "LIMDIS", "NODIS",
)  # fmt: skip
_OTHERS = (
    "DECLASSIFIED", "RECEIVED", "COPY", "CLASSIFIED BY", "DEPARTMENT OF STATE", "CENTRAL INTELLIGENCE AGENCY",
    "ENCLOSURE", "AIR MAIL", "TELETYPE", "MEMORANDUM", "APPROVED", "SANITIZED", "URGENT", "ROUTE IN ENVELOPE", "CABLE",
    "DECLASSIFY ON", "REPRODUCTION PROHIBITED", "FEDERAL BUREAU OF INVESTIGATION", "SECRETARY", "SECRETARIAT",
    "SECTION", "RECORD COPY", "OFFICIAL", "RELEASED", "DIRECTOR", "SUBJECT", "THE WHITE HOUSE", "COMMUNICATIONS",
    "CONFERENCE", "REVIEWED", "IMMEDIATE", "PRIORITY", "ATTENTION", "RETURN TO", "NOT RECORDED", "PERSONAL",
    "DECLASSIFICATION",
)  # fmt: skip
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_MONTH = f"(?:{'|'.join(_MONTHS)})"
_DATE = re.compile(rf"(?:[A-Z]?\d{{1,3}} )?(?:{_MONTH} \d{{1,2}} \d{{4}}|\d{{1,2}} {_MONTH} \d{{4}})")
_SERIES = ("REC", "EX", "REC", "REG", "RECORDED")
_SERIAL = re.compile(r"(?:RE[CG]|EX)[-. ]{1,2}\d{1,3}|(?:RECORDED|INDEXED) ?- ?\d{1,3}")


@dataclass(frozen=True, eq=False)
class Word:
    """A stamped word cut out: darkness ``(h, w)`` at the network's resolution, and what it says (``None``: other)."""

    dark: np.ndarray
    kind: int | None


@dataclass(frozen=True)
class Place:
    """Where a word stands: its upright box, the sine of its angle (rising to the right), and its kind."""

    box: tuple[float, float, float, float]
    sine: float
    kind: int


@dataclass(frozen=True, eq=False)
class LetteringPage:
    """A page at the network's resolution.

    Attributes:
        name: its document; folds are split by it.
        dark: uint8 ``(h, w)``.
        judged: uint8 ``(h, w)``, one bit for each of ``KINDS`` whose truth is known there.
        places: its stamped words.
        words: those cut out.
    """

    name: str
    dark: np.ndarray
    judged: np.ndarray
    places: tuple[Place, ...]
    words: tuple[Word, ...]


@dataclass
class Crop:
    """One example: arrays as in :class:`LetteringPage`."""

    dark: np.ndarray
    judged: np.ndarray
    places: list[Place] = field(default_factory=list)


def kind_of(text: str) -> int | None:
    """What a stamp of one line says, or ``None``.

    >>> KINDS[kind_of("S-E-C-R-E-T")], kind_of("SECRET / CLASSIFICATION"), KINDS[kind_of("14 DEC 26 1963")]
    ('SECRET', None, 'date')
    """
    if text.startswith("GROUP 1"):
        return GROUP
    if _DATE.fullmatch(text):
        return DATE
    if _SERIAL.fullmatch(text):
        return SERIAL
    letters = re.sub(r"[^A-Z]", "", text.upper().split("//")[0]) if " / " not in text else ""
    plain = {"TOPSECRET": TOP_SECRET, "SECRET": SECRET, "CONFIDENTIAL": CONFIDENTIAL, "UNCLASSIFIED": UNCLASSIFIED}
    if letters in plain:
        return plain[letters]
    return CONTROL if letters and any(letters == re.sub(r"[^A-Z]", "", c) for c in _CONTROLS) else None


def load_pages(scans: Path, settings: SpotSettings = SpotSettings()) -> list[LetteringPage]:
    """Pages of ``scans/labelled`` with their words, and of ``scans/unlabelled`` as grounds."""
    return [_load(path, settings) for path in pages_in(scans)]


def _load(path: Path, settings: SpotSettings) -> LetteringPage:
    dark, scale = darkness_of(next(iter(open_scans(path))), settings)
    labels = labels_of(path)
    level_bits, all_bits = sum(1 << k for k in LEVELS), (1 << len(KINDS)) - 1
    if not labels:  # levels stand at head and foot; dates and serials anywhere
        judged = np.zeros_like(dark)
        judged[round(0.14 * len(dark)) : round(0.86 * len(dark))] = level_bits
        return LetteringPage(document_of(path), dark, judged, (), ())
    judged = np.full_like(dark, all_bits)
    places, words = [], []
    for mark in labels.marks:
        x0, y0, x1, y1 = (v * scale for v in mark["box"])
        area = judged[max(0, int(y0) - 2) : int(y1) + 3, max(0, int(x0) - 2) : int(x1) + 3]
        if mark["kind"] == "ignore":
            area[...] = 0
        if mark["kind"] != "stamp":
            continue
        kind, angle = kind_of(mark.get("text", "")), float(mark.get("rot") or 0)
        angle = (angle + 180) % 360 - 180
        if kind is not None and abs(angle) <= 60:
            places.append(Place((x0, y0, x1, y1), float(np.sin(np.radians(angle))), kind))
            if abs(angle) < 8:
                words.append(Word(dark[int(y0) : int(y1) + 1, int(x0) : int(x1) + 1].copy(), kind))
        elif mark.get("family") in ("classification", "admin"):
            area[...] = 0
        else:
            area[...] &= level_bits
    for place in places:
        box = place.box
        judged[max(0, int(box[1]) - 2) : int(box[3]) + 3, max(0, int(box[0]) - 2) : int(box[2]) + 3] |= all_bits
    return LetteringPage(document_of(path), dark, judged, tuple(places), tuple(words))


# ---------------------------------------------------------------------------------------------------- drawn words


def draw_word(rng: np.random.Generator, fonts: Fonts, settings: SpotSettings = SpotSettings()) -> Word:
    """One stamped word as rubber leaves it, or a typed one; one in three says something else."""
    kind = int(rng.choice([-1, *range(len(KINDS))], p=[0.28, 0.11, 0.17, 0.13, 0.05, 0.1, 0.05, 0.06, 0.05]))
    if kind == GROUP:
        return Word(_group_box(rng, fonts, settings), GROUP)
    spaced = kind in LEVELS and rng.random() < 0.15
    text = _text_of(kind, rng)
    if spaced:
        text = rng.choice([" ", "-"]).join(text.replace(" ", "  " if rng.random() < 0.5 else ""))
    typed = spaced or rng.random() < 0.12
    height_mm = rng.uniform(2.0, 3.2) if typed else float(np.clip(rng.lognormal(1.62, 0.42), 2.6, 13))
    if kind in (DATE, SERIAL):
        height_mm = rng.uniform(2.6, 5.5)
    faces = fonts.typewriter if typed or (kind == DATE and rng.random() < 0.3) else fonts.sans_bold
    if not typed and rng.random() < 0.25:
        faces = fonts.serif_bold if rng.random() < 0.5 else fonts.sans
    size = round(2 * height_mm / 25.4 * settings.resolution_dpi / 0.72)  # drawn at twice the resolution
    outline = not typed and kind not in (DATE, SERIAL) and rng.random() < 0.2
    plane = _set(text, str(rng.choice(faces)), max(10, size), outline, rng)
    plane = _worn(plane, rng, weak=not typed)
    if not typed and rng.random() < 0.1:
        dx, dy = (rng.uniform(-0.3, 0.3, 2) * plane.shape[0]).astype(int)
        twice = np.zeros((plane.shape[0] + abs(dy), plane.shape[1] + abs(dx)), np.uint8)
        for x, y in ((max(0, -dx), max(0, -dy)), (max(0, dx), max(0, dy))):
            part = twice[y : y + plane.shape[0], x : x + plane.shape[1]]
            np.maximum(part, plane, out=part)
        plane = twice
    if kind == DATE and rng.random() < 0.15:
        plane = np.ascontiguousarray(plane[::-1, ::-1])  # stamped with the paper upside down
    dark = cv2.resize(plane, (max(4, plane.shape[1] // 2), max(3, plane.shape[0] // 2)), interpolation=cv2.INTER_AREA)
    return Word(dark, None if kind < 0 else kind)


def _text_of(kind: int, rng: np.random.Generator) -> str:
    if kind == DATE:
        month, day, year = str(rng.choice(_MONTHS)), int(rng.integers(1, 32)), int(rng.integers(1945, 1983))
        text = f"{month} {day} {year}" if rng.random() < 0.8 else f"{day} {month} {year}"
        return f"{rng.integers(1, 100)} {text}" if rng.random() < 0.4 else text
    if kind == SERIAL:
        return "".join(map(str, (rng.choice(_SERIES), rng.choice(["-", "- ", " "]), rng.integers(1, 140))))
    if kind == CONTROL:
        return str(rng.choice(_CONTROLS))
    return str(rng.choice(_OTHERS)) if kind < 0 else ("TOP SECRET", "SECRET", "CONFIDENTIAL", "UNCLASSIFIED")[kind]


def _set(text: str, face: str, size: int, outline: bool, rng: np.random.Generator) -> np.ndarray:
    """A word set in type, condensed or extended as rubber type is, solid or in outline; trimmed to its ink."""
    font = load(face, size)
    box = font.getbbox(text)
    image = Image.new("L", (int(box[2] - box[0]) + 8, int(box[3] - box[1]) + 8))
    draw = ImageDraw.Draw(image)
    at = (4 - box[0], 4 - box[1])
    if outline:
        draw.text(at, text, 0, font=font, stroke_width=max(1, size // 22), stroke_fill=255)
        draw.text(at, text, 0, font=font)
    else:
        draw.text(at, text, 255, font=font, stroke_width=int(rng.random() < 0.25))
    plane = np.asarray(image)
    plane = cv2.resize(plane, None, fx=rng.uniform(0.6, 1.15), fy=rng.uniform(0.9, 1.2), interpolation=cv2.INTER_AREA)
    rows, columns = np.flatnonzero(plane.max(1) > 60), np.flatnonzero(plane.max(0) > 60)
    if not rows.size or not columns.size:
        return plane
    return plane[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _field(shape: tuple[int, int], cell: int, rng: np.random.Generator) -> np.ndarray:
    grid = rng.random((shape[0] // cell + 3, shape[1] // cell + 3), dtype=np.float32)
    return cv2.resize(grid, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)


def _worn(plane: np.ndarray, rng: np.random.Generator, *, weak: bool) -> np.ndarray:
    """Ink gone in patches, in dots and at one end, edges ragged; black where enough is left."""
    shape = plane.shape
    if not weak or rng.random() < 0.25:
        return plane
    ink = plane.astype(np.float32) / 255
    fade = rng.uniform(0.0, 0.75) * _field(shape, int(rng.integers(6, 30)), rng)
    left, right = rng.uniform(0, 0.45, 2)
    slope = np.linspace(left, right, shape[1], dtype=np.float32)[None]
    grain = rng.choice([0.0, 0.35, 0.9]) * _field(shape, int(rng.integers(1, 4)), rng)
    level = rng.uniform(0.2, 0.45)
    black = ink * (1.15 - fade - slope - 0.6 * grain) > level
    if rng.random() < 0.25:  # only the rims hold ink
        inner = cv2.erode(black.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
        black &= ~(inner & (rng.random(shape) < rng.uniform(0.6, 1)))
    return (black * 255).astype(np.uint8)


def _group_box(rng: np.random.Generator, fonts: Fonts, settings: SpotSettings) -> np.ndarray:
    """The boxed GROUP legend, its letters too small to come through."""
    unit = 2 * settings.resolution_dpi / 25.4
    wide, high = rng.uniform(22, 34) * unit, rng.uniform(11, 17) * unit
    plane = np.zeros((round(high), round(wide)), np.uint8)
    cv2.rectangle(plane, (1, 1), (plane.shape[1] - 2, plane.shape[0] - 2), 255, int(rng.integers(1, 4)))
    text = ("GROUP 1", "Excluded from automatic", "downgrading and", "declassification")
    font = load(str(rng.choice([*fonts.sans_bold, *fonts.typewriter, *fonts.sans])), max(8, round(high / 6.0)))
    image = Image.fromarray(plane)
    draw = ImageDraw.Draw(image)
    for row, line in enumerate(text):
        length = font.getlength(line)
        while length > 0.95 * wide:
            font = load(font.path, max(6, font.size - 1))  # type: ignore[arg-type]
            length = font.getlength(line) if font.size > 6 else 0.9 * wide
        draw.text(((wide - length) / 2, high * (0.08 + 0.22 * row)), line, 255, font=font)
    plane = _worn(np.asarray(image).copy(), rng, weak=True)
    return cv2.resize(plane, (plane.shape[1] // 2, plane.shape[0] // 2), interpolation=cv2.INTER_AREA)


# ---------------------------------------------------------------------------------------------------------- crops


@dataclass(frozen=True)
class CropSettings:
    """How examples are made; lengths in pixels at the network's resolution, shares are probabilities."""

    size_px: tuple[int, int] = (160, 320)
    labelled_share: float = 0.65
    centred_share: float = 0.7  # of the crops of pages with words lie around one
    zoom: tuple[float, float] = (0.8, 1.25)
    words_max: int = 3
    real_share: float = 0.4  # of the words laid on are cut-outs of real ones
    crossed_share: float = 0.3  # of them have something over them
    faint_share: float = 0.25  # of them are pale,
    twice_share: float = 0.08  # or stamped twice, one impression over the other, so many heights apart:
    twice_heights: tuple[float, float] = (0.5, 1.1)


def make_crop(
    pages: Sequence[LetteringPage],
    weights: np.ndarray,
    drawn: Sequence[Word],
    real: Sequence[Word],
    fonts: Fonts,
    rng: np.random.Generator,
    settings: CropSettings = CropSettings(),
) -> Crop:
    """A piece of a page, scaled, with words laid over it, and worn."""
    crop = _window(pages[int(rng.choice(len(pages), p=weights))], rng, settings)
    for _ in range(int(rng.integers(not crop.places, settings.words_max + 1))):
        pool = real if real and rng.random() < settings.real_share else drawn
        _lay(crop, pool[int(rng.integers(len(pool)))], rng, fonts, settings)
    dark = crop.dark
    if rng.random() < 0.3:
        dark = cv2.GaussianBlur(dark, (0, 0), rng.uniform(0.4, 0.8))
    noise = rng.normal(0, rng.uniform(0, 14) if rng.random() < 0.4 else 0.0, dark.shape)
    if rng.random() < 0.2:
        noise += 160.0 * (rng.random(dark.shape) < rng.uniform(0, 0.08))
    crop.dark = np.clip(dark * rng.uniform(0.6, 1.3) + noise, 0, 255).astype(np.uint8)
    return crop


def _window(page: LetteringPage, rng: np.random.Generator, settings: CropSettings) -> Crop:
    high, wide = settings.size_px
    rows, columns = page.dark.shape
    if page.places and rng.random() < settings.centred_share:
        box = page.places[int(rng.integers(len(page.places)))].box
        centre = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]) + rng.uniform(-0.4, 0.4, 2) * (wide, high)
    else:
        centre = rng.uniform(0, 1, 2) * (columns, rows)
        if rng.random() < 0.4:
            centre[1] = rng.choice([0.05, 0.95]) * rows
    zoom, angle = rng.uniform(*settings.zoom), rng.uniform(-2, 2)
    matrix = np.array(cv2.getRotationMatrix2D((float(centre[0]), float(centre[1])), angle, zoom), np.float64)
    matrix[:, 2] += np.array([wide / 2, high / 2]) - centre
    dark = cv2.warpAffine(page.dark, matrix, (wide, high), flags=cv2.INTER_LINEAR)
    judged = cv2.warpAffine(page.judged, matrix, (wide, high), flags=cv2.INTER_NEAREST, borderValue=255)
    places = []
    for place in page.places:
        x0, y0, x1, y1 = place.box
        middle = matrix @ np.array([(x0 + x1) / 2, (y0 + y1) / 2, 1])
        half = np.array([x1 - x0, y1 - y0]) * zoom / 2
        box = (*(middle - half), *(middle + half))
        shown = max(0, min(wide, box[2]) - max(0, box[0])) * max(0, min(high, box[3]) - max(0, box[1]))
        if shown > 0.85 * 4 * half[0] * half[1]:
            places.append(Place(tuple(map(float, box)), place.sine, place.kind))  # type: ignore[arg-type]
        elif shown > 0:
            judged[max(0, int(box[1])) : max(0, int(box[3])), max(0, int(box[0])) : max(0, int(box[2]))] = 0
    return Crop(dark, judged, places)


def _lay(crop: Crop, word: Word, rng: np.random.Generator, fonts: Fonts, settings: CropSettings) -> None:
    """Lay a word on a crop, turned and scaled, with what may stand over it; what it covers is gone."""
    high, wide = crop.dark.shape
    steep = 50 if word.kind == SERIAL else 38 if rng.random() < 0.15 else 6
    angle, zoom = float(rng.uniform(-steep, steep) * rng.random()), rng.uniform(0.8, 1.25)
    h, w = word.dark.shape
    turn = np.radians(angle)
    size = np.array([w * np.cos(turn) + h * abs(np.sin(turn)), w * abs(np.sin(turn)) + h * np.cos(turn)]) * zoom
    if size[0] > wide - 4 or size[1] > high - 4:
        return
    centres = [rng.uniform(size / 2, np.array([wide, high]) - size / 2)]
    if rng.random() < settings.twice_share:
        shift = np.array([rng.uniform(-0.15, 0.15) * w, rng.choice([-1, 1]) * rng.uniform(*settings.twice_heights) * h])
        centres.append(np.clip(centres[0] + zoom * shift, size / 2, np.array([wide, high]) - size / 2))
    boxes = [(*(centre - size / 2), *(centre + size / 2)) for centre in centres]
    if any(_shared(box, place.box) > 0.25 for box in boxes for place in crop.places):
        return
    weight = rng.uniform(0.2, 0.6) if rng.random() < settings.faint_share else rng.uniform(0.6, 1)
    turned = np.array(cv2.getRotationMatrix2D((w / 2, h / 2), angle, zoom), np.float64)
    for centre, box in zip(centres, boxes, strict=True):
        matrix = turned.copy()
        matrix[:, 2] += centre - np.array([w / 2, h / 2])
        mark = cv2.warpAffine(word.dark, matrix, (wide, high), flags=cv2.INTER_LINEAR)
        np.maximum(crop.dark, (mark * weight).astype(np.uint8), out=crop.dark)
        if rng.random() < settings.crossed_share:
            _cover(crop.dark, box, fonts, rng)
        x0, y0, x1, y1 = (max(0, int(v)) for v in box)
        crop.judged[y0 : y1 + 1, x0 : x1 + 1] = 255
        if word.kind is not None:
            crop.places.append(Place(tuple(map(float, box)), float(np.sin(turn)), word.kind))  # type: ignore[arg-type]


def _shared(a: Sequence[float], b: Sequence[float]) -> float:
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    smaller = min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))
    return max(0.0, wide) * max(0.0, high) / max(1.0, smaller)


def _cover(dark: np.ndarray, box: Sequence[float], fonts: Fonts, rng: np.random.Generator) -> None:
    """Pen strokes, a marker, or a release line over a word."""
    x0, y0, x1, y1 = box
    middle, high = (y0 + y1) / 2, y1 - y0
    kind = str(rng.choice(["line", "cross", "slash", "marker", "release"], p=[0.25, 0.15, 0.2, 0.15, 0.25]))
    if kind == "release":
        date = f"{rng.integers(1999, 2020)}/{rng.integers(1, 13):02d}/{rng.integers(1, 29):02d}"
        text = f"Approved For Release {date} : CIA-RDP{rng.integers(70, 99)}"
        font = load(str(rng.choice(fonts.sans)), int(rng.integers(8, 13)))
        image = Image.fromarray(dark)
        at = (x0 - rng.uniform(0, 60), y0 + rng.uniform(-0.3, 0.8) * high)
        if rng.random() < 0.4:
            ImageDraw.Draw(image).rectangle(ImageDraw.Draw(image).textbbox(at, text, font=font), fill=0)
        ImageDraw.Draw(image).text(at, text, 255, font=font)
        dark[...] = np.asarray(image)
        return
    width = max(1, round(high * rng.uniform(0.2, 0.5))) if kind == "marker" else int(rng.integers(1, 3))
    reach = rng.uniform(-0.2, 0.1, 4) * (x1 - x0)
    level = middle + rng.uniform(-0.35, 0.35, 2) * high
    ends = [((x0 + reach[0], level[0]), (x1 - reach[1], level[1]))]
    if kind in ("cross", "slash"):
        left, right = sorted(rng.uniform(x0, x1, 2)) if rng.random() < 0.5 else (x0, x1)
        ends = [((left, y1 + 2), (right, y0 - 2))]
        if kind == "cross":
            ends.append(((left, y0 - 2), (right, y1 + 2)))
    for (ax, ay), (bx, by) in ends:
        cv2.line(dark, (int(ax), int(ay)), (int(bx), int(by)), int(rng.uniform(170, 255)), width, cv2.LINE_AA)


def page_weights(pages: Sequence[LetteringPage], settings: CropSettings = CropSettings()) -> np.ndarray:
    """How often each page is drawn from: labelled ones by the square root of the number of their words."""
    labelled = np.array([p.judged.max() == 255 for p in pages])
    raw = np.array([np.sqrt(2.0 + len(p.places)) for p in pages])
    share = settings.labelled_share if labelled.any() and not labelled.all() else 1.0
    total = np.where(labelled, raw[labelled].sum() / share, raw[~labelled].sum() / max(1e-9, 1 - share))
    return raw / total / (raw / total).sum()
