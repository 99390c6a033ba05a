"""Draws whole pages: lays out a paper, stamps, redacts, edits and wears it, and remembers what was put where."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from redactlib.marks import STYLES

from .canvas import LAYERS, Canvas, Drawn
from .decoys import DECOYS, draw_decoy
from .edits import bracket_words, insert_words, margin_note, sign, strike_words, underline_words, write_note
from .fonts import Fonts, find_fonts
from .forms import FAMILIES, FORMS, Form, draw_form
from .layouts import LAYOUTS, lay_out
from .pen import draw_hand
from .redactions import HAND_CODES, PRINTED_CODES, hide_lines, hide_words, put_code
from .sheet import Sheet
from .wear import SEVERITIES, age_ink, binarise, dirty, skew_matrix

EDITS = ("bracket", "typed-bracket", "strike", "insertion", "substitution", "underline", "marginal", "signature", "note")


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


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One edit by hand: on the given phrase or at chance; ``text`` is what is written."""

    kind: str
    phrase: str | None = None
    text: str | None = None


@dataclass(frozen=True, kw_only=True)
class Hiding:
    """One redaction: its style, how many words or whole lines it hides, and the code that goes with it."""

    style: str
    words: tuple[int, int] = (1, 4)
    lines: int = 0
    code: str | None = None
    place: str = "margin"
    by_hand: bool = False
    phrase: str | None = None


@dataclass(frozen=True, kw_only=True)
class PageSpec:
    """What a page holds. ``heading`` and ``body`` replace the drawn wording of its layout."""

    layout: str = "memo"
    heading: tuple[str, ...] | None = None
    body: tuple[str, ...] | None = None
    fill: float = 0.8  # how far down the page the body goes, as a part of its height
    stamps: tuple[Stamping, ...] = ()
    redactions: tuple[Hiding, ...] = ()
    edits: tuple[Edit, ...] = ()
    decoys: tuple[str, ...] = ()
    severity: int = 2
    bitonal: bool = True


@dataclass(frozen=True, eq=False)
class DrawnPage:
    """A page image that remembers what was drawn on it.

    Attributes:
        image: uint8 ``(h, w)``, 0 black, 255 white.
        truth: in the form of the labelled scans: ``image``, ``size``, ``source``, ``page``, ``marks``; beyond their keys
            a redaction says ``chars``, ``lines`` and ``hidden``, a strike and a drawn bracket the ``words`` they concern.
        layers: uint8 ``(h, w)`` ink masks by name (print, handwriting, stamp, ruling, fill), before wear but in the
            image's geometry; a pixel may belong to several.
    """

    image: np.ndarray
    dpi: int
    truth: dict[str, Any]
    layers: dict[str, np.ndarray] = field(repr=False)

    def save(self, folder: Path, name: str) -> Path:
        """Writes ``NAME.png`` (one bit where the page is black and white) and ``NAME.truth.json``; returns the image's path."""
        path = folder / f"{name}.png"
        picture = Image.fromarray(self.image)
        if np.isin(self.image[::7, ::7], (0, 255)).all():
            picture = picture.convert("1", dither=Image.Dither.NONE)
        picture.save(path, dpi=(self.dpi, self.dpi), optimize=True)
        write_truth(self.truth, folder / f"{name}.truth.json", image=path.name)
        return path


def write_truth(truth: dict[str, Any], path: Path, *, image: str) -> None:
    """Writes a page's truth beside its image, one mark a line."""
    head = {**truth, "image": image}
    marks = head.pop("marks")
    rows = ",\n".join("  " + json.dumps(m) for m in marks)
    opening = json.dumps(head, indent=1)[:-2]
    path.write_text(f'{opening},\n "marks": [\n{rows}\n ]\n}}\n' if marks else f'{opening},\n "marks": []\n}}\n')


def draw_page(spec: PageSpec | None = None, *, seed: int, dpi: int = 300, fonts: Path | None = None) -> DrawnPage:
    """Draws one page.

    Args:
        spec: what stands on it; ``None`` draws that by chance too.
        seed: everything left to chance comes from it: the same seed, the same page.
        dpi: pixels an inch.
        fonts: folder of nicer type faces (see fixtures/README.md); ``None`` for those of a plain install.

    >>> page = draw_page(PageSpec(stamps=(Stamping(family="nara-label"),)), seed=1, dpi=100)
    >>> page.image.shape, [m["agency"] for m in page.truth["marks"] if m["kind"] == "stamp"]
    ((1100, 850), ['NARA'])
    """
    rng = np.random.default_rng(seed)
    spec = spec or random_spec(rng)
    sheet = lay_out(
        spec.layout, dpi=dpi, rng=rng, fonts=find_fonts(fonts), heading=spec.heading, body=spec.body, fill=spec.fill,
        brackets=any(e.kind == "typed-bracket" for e in spec.edits),
    )  # fmt: skip
    for decoy in spec.decoys:
        draw_decoy(decoy, sheet)
    for hiding in spec.redactions:
        _redact(sheet, hiding)
    for stamping in spec.stamps:
        _stamp(sheet, stamping)
    for edit in spec.edits:
        _edit(sheet, edit)
    truth = {
        "image": "", "size": [0, 0], "source": {"drawn": "redactlib.synth", "seed": seed, "spec": asdict(spec)},
        "page": {"quality": ("clean", "light", "middle", "heavy")[spec.severity]}, "marks": [],
    }  # fmt: skip
    return _finish(sheet.canvas, spec, truth)


def draw_pages(count: int, *, seed: int, dpi: int = 300, fonts: Path | None = None) -> Iterator[DrawnPage]:
    """Draws pages by chance, families and styles evenly, one after another."""
    for i in range(count):
        yield draw_page(seed=seed * 1_000_003 + i, dpi=dpi, fonts=fonts)


def random_spec(rng: np.random.Generator, *, severity: int | None = None) -> PageSpec:
    """What a page may hold, by chance: about a third as crowded as the busiest real ones."""
    families = [f for f in FAMILIES if f not in ("admin", "classification")]
    stamps = [Stamping(family=str(f), blank=bool(rng.random() < 0.06), struck=bool(rng.random() < 0.08))
              for f in rng.choice(families, int(rng.integers(0, 4)), replace=False)]  # fmt: skip
    stamps += [Stamping(family="admin") for _ in range(int(rng.integers(0, 4)))]
    stamps += [Stamping(family="classification", struck=bool(rng.random() < 0.5)) for _ in range(int(rng.random() < 0.6))]
    style = str(rng.choice(STYLES))
    hidings = []
    for _ in range(int(rng.choice([0, 0, 1, 2, 3, 5, 8]))):
        by_hand = bool(rng.random() < 0.3)
        code = str(rng.choice(HAND_CODES if by_hand else PRINTED_CODES)) if rng.random() < 0.7 else None
        mixed = str(rng.choice(STYLES)) if rng.random() < 0.2 else style
        lines = int(rng.integers(1, 7)) if rng.random() < 0.35 and mixed != "textual" else 0
        place = str(rng.choice(["inside", "margin", "margin", "above"])) if mixed in ("outlined", "whiteout", "cutout") else "margin"
        hidings.append(Hiding(style=mixed, words=(1, 5), lines=lines, code=code, place=place, by_hand=by_hand))
    edits = [Edit(kind=str(k)) for k in rng.choice(EDITS, int(rng.choice([0, 2, 5, 10, 16])))]
    decoys = tuple(str(d) for d in rng.choice(DECOYS, int(rng.choice([0, 0, 1, 2])), replace=False))
    return PageSpec(
        layout=str(rng.choice(LAYOUTS)), fill=float(rng.uniform(0.4, 0.9)), stamps=tuple(stamps), redactions=tuple(hidings),
        edits=tuple(edits), decoys=decoys, severity=int(rng.integers(1, 4)) if severity is None else severity,
        bitonal=bool(rng.random() < 0.9),
    )  # fmt: skip


def _redact(sheet: Sheet, hiding: Hiding) -> None:
    if hiding.lines and sheet.lines > hiding.lines:
        first = int(sheet.rng.integers(0, sheet.lines - hiding.lines))
        box = hide_lines(sheet, hiding.style, first=first, count=hiding.lines)
    else:
        words = sheet.span(words=hiding.words, phrase=hiding.phrase)
        box = hide_words(sheet, hiding.style, words=words)
    if box is not None and hiding.code:
        wide = box[2] - box[0] > 0.09 * len(hiding.code) and hiding.style not in ("solid", "marker", "textual")
        place = "margin" if hiding.place == "inside" and not wide else hiding.place
        put_code(sheet, box, code=hiding.code, place=place, by_hand=hiding.by_hand)


def _edit(sheet: Sheet, edit: Edit) -> None:
    rng = sheet.rng
    wide, high = sheet.canvas.shape[1] / sheet.canvas.dpi, sheet.canvas.shape[0] / sheet.canvas.dpi
    if edit.kind == "marginal":
        margin_note(sheet)
    elif edit.kind in ("signature", "note"):
        x, y = _free_place(sheet, (1.6, 0.4))
        if edit.kind == "signature":
            sign(sheet, x=x - 0.8, y=y)
        else:
            write_note(sheet, x=min(x - 0.6, wide - 1.5), y=min(y, high - 0.2), text=edit.text)
    else:
        words = sheet.span(words=(1, 4), phrase=edit.phrase)
        if edit.kind == "bracket":
            bracket_words(sheet, words=words)
        elif edit.kind in ("strike", "substitution"):
            strike_words(sheet, words=words)
        if edit.kind in ("insertion", "substitution"):
            insert_words(sheet, words=words, text=edit.text, caret=edit.kind == "insertion" or bool(rng.random() < 0.5))
        elif edit.kind == "underline":
            underline_words(sheet, words=words)


def _stamp(sheet: Sheet, stamping: Stamping) -> None:
    """Sets a stamp and puts it where its kind goes: banners at head and foot, the rest where the page is emptiest."""
    canvas, rng = sheet.canvas, sheet.rng
    rows = [f for f in FORMS if f.family == stamping.family]
    form = rows[stamping.wording if stamping.wording is not None else int(rng.integers(len(rows)))]
    hand = draw_hand(rng, fonts=sheet.fonts.hand)
    places = ("head", "foot") if form.place == "band" and stamping.at is None else (form.place,)
    state = rng.bit_generator.state
    for place in places:
        rng.bit_generator.state = state  # the same words at head and foot
        piece = draw_form(form, dpi=canvas.dpi, rng=rng, fonts=sheet.fonts, hand=hand, blank=stamping.blank, values=stamping.values)
        _impress(piece, form, sheet, stamping, place)


def _impress(piece: Canvas, form: Form, sheet: Sheet, stamping: Stamping, place: str) -> None:
    canvas, rng = sheet.canvas, sheet.rng
    if stamping.clip_left_in:
        cut = round((0.12 + stamping.clip_left_in) * canvas.dpi)
        for layer in piece.layers.values():
            layer[:, :cut] = 0
    angle = stamping.angle_deg
    if angle is None:
        angle = 0.0 if form.look == "digital" or place in ("head", "foot") and form.typed else float(rng.normal(0, 2.0))
        if form.look == "rubber" and form.place == "body":
            angle += float(rng.choice([0, 90, 270, 180, rng.uniform(-30, 30)], p=[0.8, 0.07, 0.05, 0.02, 0.06]))
    if form.look == "rubber":
        _uneven(piece, rng)
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


def _uneven(piece: Canvas, rng: np.random.Generator) -> None:
    """Rubber takes up ink unevenly and presses harder at one end."""
    h, w = piece.shape
    coarse = rng.random((max(3, h // max(1, piece.dpi // 6)), max(3, w // max(1, piece.dpi // 6))), dtype=np.float32)
    field = cv2.resize(coarse, (w, h), interpolation=cv2.INTER_CUBIC)
    slope = np.linspace(rng.uniform(0.5, 1.1), rng.uniform(0.6, 1.1), w, dtype=np.float32)[None, :]
    strength = np.clip((0.55 + 0.75 * field) * slope, 0, 1)
    piece.layers["stamp"] = (piece.layers["stamp"] * strength).astype(np.uint8)


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
    taken = [m.hull() / canvas.dpi for m in canvas.drawn if m.points]
    if place in ("head", "foot"):
        # banners stand in the middle, one under another where there are several
        for row in range(6):
            y = 0.02 + size[1] / 2 + 0.2 * row
            y = y if place == "head" else high - y
            x = wide / 2 + float(rng.normal(0, 0.3))
            x = min(max(x, size[0] / 2), wide - size[0] / 2) if size[0] < wide else wide / 2
            clear = all(abs(h[:, 1].mean() - y) > 0.19 for h in taken if abs(h[:, 0].mean() - x) < size[0] / 2 + np.ptp(h[:, 0]) / 2)
            if clear:
                break
        return x, y
    region = (0.55, 0.0, 1.0, 1.0) if place == "corner" else (0.0, 0.0, 1.0, 1.0)
    return _free_place(sheet, size, region=region)


def _free_place(sheet: Sheet, size: tuple[float, float], *, region: tuple[float, float, float, float] = (0, 0, 1, 1)) -> tuple[float, float]:
    """The emptiest of a dozen places for a thing of a size, by the ink under it; other marks weigh more than print."""
    canvas, rng = sheet.canvas, sheet.rng
    high, wide = canvas.shape[0] / canvas.dpi, canvas.shape[1] / canvas.dpi
    best, least = (wide / 2, high / 2), np.inf
    for _ in range(16):
        x = float(rng.uniform(max(region[0] * wide, size[0] / 2), max(size[0] / 2 + 0.01, region[2] * wide - size[0] / 2)))
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


def _finish(canvas: Canvas, spec: PageSpec, truth: dict[str, Any]) -> DrawnPage:
    """Lays the sheet on the glass, wears its ink, and writes down where every mark came to lie."""
    rng, settings = canvas.rng, SEVERITIES[spec.severity]
    h, w = canvas.shape
    matrix = skew_matrix(canvas.shape, settings, rng)
    ink = canvas.tone
    for name in LAYERS:
        if name != "fill":
            ink = np.maximum(ink, canvas.layers[name])
    layers = canvas.layers
    if settings.skew_deg:
        ink = cv2.warpAffine(ink, matrix, (w, h))
        layers = {name: cv2.warpAffine(layer, matrix, (w, h)) if layer.any() else layer for name, layer in layers.items()}
    ink = age_ink(ink, settings, dpi=canvas.dpi, rng=rng)
    image = binarise(ink, settings, rng=rng) if spec.bitonal else 255 - ink
    image = dirty(image, settings, dpi=canvas.dpi, rng=rng)
    marks = [m for m in (_final(d, matrix, (h, w)) for d in canvas.drawn) if m is not None]
    truth = {**truth, "size": [w, h], "marks": marks}
    return DrawnPage(image=image, dpi=canvas.dpi, truth=truth, layers=layers)


def _final(mark: Drawn, matrix: np.ndarray, shape: tuple[int, int]) -> dict[str, Any] | None:
    """A mark's keys with its box in the image; ``None`` where nothing of it lies on the page."""
    hull = mark.hull()
    if not len(hull):
        return None
    moved = hull @ matrix[:, :2].T + matrix[:, 2]
    x0, y0 = np.floor(moved.min(axis=0)).astype(int)
    x1, y1 = np.ceil(moved.max(axis=0)).astype(int)
    box = [max(0, int(x0)), max(0, int(y0)), min(shape[1], int(x1)), min(shape[0], int(y1))]
    if box[0] >= box[2] or box[1] >= box[3]:
        return None
    return {"kind": mark.keys["kind"], "box": box, **{k: v for k, v in mark.keys.items() if k != "kind"}}
