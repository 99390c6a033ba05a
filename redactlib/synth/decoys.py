"""What looks like a mark and is none: letterhead bars, tables, photographs, punch holes, ruled forms, seals, blots."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from .canvas import Canvas
from .forms import FORMS, draw_form
from .sheet import Sheet


def draw_decoy(kind: str, sheet: Sheet) -> None:
    """Draws one of ``DECOYS``; none of them leaves a mark in the truth.

    Raises:
        KeyError: no such decoy.
    """
    _DRAW[kind](sheet)


def _letterhead_bar(sheet: Sheet) -> None:
    """A black bar across the head with white lettering."""
    canvas, rng = sheet.canvas, sheet.rng
    canvas.erase(0.6, 0.45, 7.9, 0.8)
    words = str(rng.choice(["INFORMATION REPORT", "TELEGRAM", "REPRODUCED AT THE NATIONAL ARCHIVES"]))
    lettering = Canvas(7.3, 0.35, dpi=canvas.dpi, rng=rng)
    lettering.text(words, 3.65 - 0.075 * len(words), 0.25, face=sheet.fonts.sans_bold[0], size_pt=15)
    ink = lettering.layers["print"]
    canvas.ink(("fill",), np.full_like(ink, 255), round(0.6 * canvas.dpi), round(0.45 * canvas.dpi), tone=255 - ink)


def _table(sheet: Sheet) -> None:
    """A ruled table with a few typed entries, over white paper."""
    canvas, rng = sheet.canvas, sheet.rng
    rows, columns = int(rng.integers(3, 7)), int(rng.integers(3, 6))
    high, wide = 0.24 * rows, 6.3
    x, y = 1.1, float(rng.uniform(5.5, 10.3 - high))
    canvas.erase(x - 0.2, y - 0.1, x + wide + 0.2, y + high + 0.1)
    sheet.words = [w for w in sheet.words if not y - 0.1 < w.y < y + high + 0.25]
    for r in range(rows + 1):
        canvas.rule(x, y + 0.24 * r, x + wide, y + 0.24 * r, width_mm=0.2)
    for c in range(columns + 1):
        canvas.rule(x + wide * c / columns, y, x + wide * c / columns, y + high, width_mm=0.2)
    for r in range(rows):
        for c in range(columns):
            if rng.random() < 0.75:
                sheet.type_line(str(rng.integers(10, 9999)), x + wide * c / columns + 0.1, y + 0.24 * r + 0.18)


def _photograph(sheet: Sheet) -> None:
    """A picture in half-tone: soft hills and a dark foreground, framed."""
    canvas, rng = sheet.canvas, sheet.rng
    wide, high = float(rng.uniform(2, 3.5)), float(rng.uniform(1.5, 2.5))
    x, y = float(rng.uniform(1, 7.4 - wide)), float(rng.uniform(6.0, 10.3 - high))
    canvas.erase(x - 0.1, y - 0.15, x + wide + 0.1, y + high + 0.1)
    sheet.words = [w for w in sheet.words if not (y - 0.2 < w.y < y + high + 0.25)]
    size = (int(wide * canvas.dpi), int(high * canvas.dpi))
    hills = cv2.resize(rng.random((5, 7), dtype=np.float32), size, interpolation=cv2.INTER_CUBIC)
    grey = np.clip(0.6 * hills + np.linspace(0, 0.5, size[1], dtype=np.float32)[:, None], 0, 1)
    screen = rng.random((size[1] // 2 + 1, size[0] // 2 + 1), dtype=np.float32)
    tone = (cv2.resize(screen, size, interpolation=cv2.INTER_NEAREST) < grey).astype(np.uint8) * 255
    canvas.ink(("fill",), np.full_like(tone, 255), round(x * canvas.dpi), round(y * canvas.dpi), tone=tone)
    canvas.frame(x, y, x + wide, y + high, width_mm=0.3)


def _punch_holes(sheet: Sheet) -> None:
    """Two or three holes: black discs where the scanner's lid showed through."""
    canvas, rng = sheet.canvas, sheet.rng
    left = bool(rng.random() < 0.7)
    places = [(0.35, y) for y in (1.4, 5.5, 9.6)] if left else [(x, 0.4) for x in (2.9, 5.65)]
    for x, y in places:
        radius = round(0.125 * canvas.dpi)
        disc = np.zeros((2 * radius + 1, 2 * radius + 1), np.uint8)
        cv2.circle(
            disc, (radius, radius), radius, 255, -1 if rng.random() < 0.8 else max(1, canvas.dpi // 100), cv2.LINE_AA
        )
        at = rng.normal(0, 0.03, 2) + np.array([x, y])
        canvas.ink(("fill",), disc, int(at[0] * canvas.dpi) - radius, int(at[1] * canvas.dpi) - radius)


def _routing_slip(sheet: Sheet) -> None:
    """A grid of names and initials at the head of the page, printed small."""
    canvas, rng = sheet.canvas, sheet.rng
    for i, name in enumerate(
        ("Mr. Tolliver", "Mr. Banning", "Mr. Casewell", "Mr. Conroy", "Mr. Deland", "Tele. Room", "Miss Gantry")
    ):
        y = 0.5 + 0.13 * i
        canvas.text(name, 7.05, y, face=sheet.fonts.serif[0], size_pt=7)
        canvas.rule(7.65, y + 0.01, 8.1, y + 0.01, width_mm=0.15)
        if rng.random() < 0.3:
            with canvas.mark("handwriting", role="mark"):
                canvas.write("v", 7.75, y, hand=sheet.hand, height=0.14)


def _side_frame(sheet: Sheet) -> None:
    """A printed frame round legible words: a form's box, not a redaction."""
    words = sheet.span(words=(2, 5))
    if words:
        sheet.canvas.frame(words[0].x0 - 0.06, words[0].y - 0.15, words[-1].x1 + 0.06, words[0].y + 0.07, width_mm=0.2)


def _seal(sheet: Sheet) -> None:
    """A round seal in solid ink."""
    canvas, rng = sheet.canvas, sheet.rng
    radius = round(0.45 * canvas.dpi)
    disc = np.zeros((2 * radius + 3, 2 * radius + 3), np.uint8)
    centre = (radius + 1, radius + 1)
    for part, value in ((1.0, 255), (0.92, 0), (0.86, 255), (0.62, 0)):
        cv2.circle(disc, centre, round(radius * part), value, -1, cv2.LINE_AA)
    for a in np.linspace(0, 2 * np.pi, 24, endpoint=False):
        spot = (round(centre[0] + 0.74 * radius * np.cos(a)), round(centre[1] + 0.74 * radius * np.sin(a)))
        cv2.circle(disc, spot, max(1, radius // 18), 0, -1, cv2.LINE_AA)
    canvas.ink(("print",), disc, round(rng.uniform(0.6, 1.0) * canvas.dpi), round(rng.uniform(0.2, 0.5) * canvas.dpi))


def _underscores(sheet: Sheet) -> None:
    """A typed row of crosses and a row of leader dots."""
    y = 10.2
    sheet.type_line("x" * 24 + " " + "." * 22, sheet.left, y)


def _bleed_through(sheet: Sheet) -> None:
    """A stamp on the back of the sheet, seen through it: mirrored and weak."""
    canvas, rng = sheet.canvas, sheet.rng
    forms = [f for f in FORMS if f.look == "rubber" and f.place == "body" and f.family != "classification"]
    back = draw_form(
        forms[int(rng.integers(len(forms)))], dpi=canvas.dpi, rng=rng, fonts=sheet.fonts, hand=sheet.hand, blank=True
    )
    ink = np.ascontiguousarray(back.layers["stamp"][:, ::-1])
    mottled = cv2.resize(rng.random((9, 15), dtype=np.float32), ink.shape[::-1], interpolation=cv2.INTER_CUBIC)
    weak = (ink * np.clip(0.3 + 0.4 * mottled, 0, 1)).astype(np.uint8)
    high, wide = canvas.shape[0] - ink.shape[0], canvas.shape[1] - ink.shape[1]
    canvas.ink(("print",), weak, int(rng.integers(0, max(1, wide))), int(rng.integers(high // 2, high)))


_DRAW: dict[str, Callable[[Sheet], None]] = {
    "letterhead-bar": _letterhead_bar,
    "table": _table,
    "photograph": _photograph,
    "punch-holes": _punch_holes,
    "routing-slip": _routing_slip,
    "frame": _side_frame,
    "seal": _seal,
    "crosses": _underscores,
    "bleed-through": _bleed_through,
}
DECOYS = tuple(_DRAW)
