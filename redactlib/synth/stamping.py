"""Puts stamps on a sheet: where their kind goes, turned, inked as rubber is, struck out where asked."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .canvas import Canvas
from .forms import FORMS, Form, draw_form
from .layouts import LAST_YEAR
from .pen import draw_hand
from .sheet import Sheet


@dataclass(frozen=True, kw_only=True)
class Stamping:
    """One stamp to put on a page: the family, and what is asked of it beyond chance."""

    family: str
    wording: int | None = None  # which of the family's rows
    blank: bool = False
    struck: bool = False
    angle_deg: float | None = None
    at: tuple[float, float] | None = None  # inches, its centre
    values: dict[str, str] | None = None
    clip_left_in: float = 0.0  # cut off at the left: a letter lost at the box edge


def first_year(stamping: Stamping) -> int:
    """The year in which a dated stamp may have been set at the earliest: the paper under it is older."""
    return min((row.years[0] for row in _rows_of(stamping) if row.date), default=LAST_YEAR)


def _rows_of(stamping: Stamping) -> list[Form]:
    """The wordings that a stamp may have."""
    rows = [form for form in FORMS if form.family == stamping.family]
    return rows if stamping.wording is None else [rows[stamping.wording]]


def put_stamp(sheet: Sheet, stamping: Stamping, *, severity: int) -> None:
    """Sets a stamp and puts it where its kind goes: banners at head and foot, the rest where the page is emptiest."""
    canvas, rng = sheet.canvas, sheet.rng
    rows = _rows_of(stamping)
    form = rows[int(rng.integers(len(rows))) if stamping.wording is None else 0]
    hand = draw_hand(rng, fonts=sheet.fonts.hand)
    places = ("head", "foot") if form.place == "band" and stamping.at is None else (form.place,)
    state = rng.bit_generator.state
    for place in places:
        rng.bit_generator.state = state  # the same words at head and foot
        piece = draw_form(
            form, dpi=canvas.dpi, rng=rng, fonts=sheet.fonts, hand=hand, blank=stamping.blank, values=stamping.values
        )
        if form.look == "rubber":
            _uneven(piece, rng, weakness=(0.0, 0.15, 0.35, 0.55)[severity])
        _impress(piece, form, sheet, stamping, place)


def _impress(piece: Canvas, form: Form, sheet: Sheet, stamping: Stamping, place: str) -> None:
    canvas, rng = sheet.canvas, sheet.rng
    if stamping.clip_left_in:
        cut = round((0.12 + stamping.clip_left_in) * canvas.dpi)
        for layer in piece.layers.values():
            layer[:, :cut] = 0
    angle = stamping.angle_deg
    if angle is None:
        angle = 0.0 if form.look == "digital" or form.typed else float(rng.normal(0, 2.0))
        if place == "side":
            angle += float(rng.choice([90, 270]))
        if form.look == "rubber" and form.place == "body":
            angle += float(rng.choice([0, 90, 270, 180, rng.uniform(-30, 30)], p=[0.8, 0.07, 0.05, 0.02, 0.06]))
    if abs(angle) >= 1:
        piece.drawn[0].keys["rot"] = str(round(angle))
    if stamping.struck:
        _strike_out(piece, rng)
        piece.drawn[0].keys["struck"] = "yes"
    wide, high = piece.shape[1] / piece.dpi, piece.shape[0] / piece.dpi
    if abs(angle % 180 - 90) < 45:
        wide, high = high, wide
    x, y = stamping.at or _place(sheet, (wide, high), place)
    if form.look == "slip":
        canvas.erase(x - wide / 2 + 0.3, y - high / 2, x + wide / 2 - 0.3, y + high / 2)
    canvas.paste(piece, x, y, angle_deg=angle)


def _uneven(piece: Canvas, rng: np.random.Generator, *, weakness: float) -> None:
    """Rubber takes up ink unevenly and presses harder at one end; ``weakness`` 0..1 is how much that may take away."""
    h, w = piece.shape
    patch = max(1, piece.dpi // 6)
    field = cv2.resize(
        rng.random((h // patch + 3, w // patch + 3), dtype=np.float32), (w, h), interpolation=cv2.INTER_CUBIC
    )
    slope = np.linspace(rng.uniform(0, 0.6), rng.uniform(0, 0.6), w, dtype=np.float32)[None, :]
    strength = np.clip(1.15 - weakness * (0.9 * field + slope), 0.45, 1)
    for name in ("stamp", "ruling"):
        piece.layers[name] = (piece.layers[name] * strength).astype(np.uint8)


def _strike_out(piece: Canvas, rng: np.random.Generator) -> None:
    """One or two pen strokes, or a cross, through a stamp."""
    box = piece.drawn[0].hull()
    (x0, y0), (x1, y1) = box.min(axis=0) / piece.dpi, box.max(axis=0) / piece.dpi
    pen_mm = float(rng.choice([0.35, 0.6, 1.0]))
    kind = rng.choice(["line", "two", "cross", "slant"])
    middle = (y0 + y1) / 2
    lines = {
        "line": [((x0 - 0.05, middle), (x1 + 0.05, middle))],
        "two": [((x0 - 0.05, middle - 0.03), (x1 + 0.05, middle - 0.02)), ((x0, middle + 0.03), (x1, middle + 0.04))],
        "cross": [((x0, y0), (x1, y1)), ((x0, y1), (x1, y0))],
        "slant": [((x0 + 0.05, y1 + 0.03), (x1 - 0.05, y0 - 0.03))],
    }[str(kind)]
    with piece.mark("handwriting", role="strike"):
        for a, b in lines:
            t = np.linspace(0, 1, 8)[:, None]
            points = np.array(a) * (1 - t) + np.array(b) * t + rng.normal(0, 0.008, (8, 2))
            piece.stroke(points, width_mm=pen_mm)


def _place(sheet: Sheet, size: tuple[float, float], place: str) -> tuple[float, float]:
    """Where a stamp goes, in inches: its centre."""
    canvas, rng = sheet.canvas, sheet.rng
    wide, high = canvas.shape[1] / canvas.dpi, canvas.shape[0] / canvas.dpi
    if place in ("head", "foot"):
        taken = [(h.min(axis=0), h.max(axis=0)) for h in (m.hull() / canvas.dpi for m in canvas.drawn if m.points)]
        x = wide / 2 + float(rng.normal(0, 0.3))
        x = min(max(x, size[0] / 2), wide - size[0] / 2) if size[0] < wide else wide / 2
        for row in range(30):  # one under another where there are several
            y = size[1] / 2 - 0.06 + 0.06 * row
            y = y if place == "head" else high - y
            low, top = np.array([x, y]) - np.array(size) / 2 + 0.06, np.array([x, y]) + np.array(size) / 2 - 0.06
            if not any((low < b).all() and (a < top).all() for a, b in taken):
                break
        return x, y
    if place == "side":
        return float(rng.choice([0.2, wide - 0.2])), high / 2 + float(rng.normal(0, 0.5))
    region = (0.55, 0.0, 1.0, 1.0) if place == "corner" else (0.0, 0.0, 1.0, 1.0)
    return free_place(sheet, size, region=region)


def free_place(
    sheet: Sheet, size: tuple[float, float], *, region: tuple[float, float, float, float] = (0, 0, 1, 1)
) -> tuple[float, float]:
    """The emptiest of a dozen places for a thing of a size, by the ink under it; other marks weigh more than print."""
    canvas, rng = sheet.canvas, sheet.rng
    high, wide = canvas.shape[0] / canvas.dpi, canvas.shape[1] / canvas.dpi
    best, least = (wide / 2, high / 2), np.inf
    for _ in range(16):
        x = float(
            rng.uniform(max(region[0] * wide, size[0] / 2), max(size[0] / 2 + 0.01, region[2] * wide - size[0] / 2))
        )
        y = float(rng.uniform(0.35 + size[1] / 2, max(0.36 + size[1] / 2, high - 0.35 - size[1] / 2)))
        rows = slice(*(max(0, round((y + s * size[1] / 2) * canvas.dpi)) for s in (-1, 1)))
        cols = slice(*(max(0, round((x + s * size[0] / 2) * canvas.dpi)) for s in (-1, 1)))
        cost = sum(
            weight * int(np.count_nonzero(canvas.layers[name][rows, cols][::4, ::4]))
            for name, weight in (("print", 1), ("stamp", 4), ("handwriting", 4), ("fill", 2), ("ruling", 3))
        )
        if cost < least:
            best, least = (x, y), cost
    return best
