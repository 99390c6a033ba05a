"""Draws whole pages: lays out a paper, stamps, redacts, edits and wears it, and remembers what was put where."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from redactlib.marks import STYLES

from .canvas import CODES, LAYERS, Canvas, Drawn
from .decoys import DECOYS, draw_decoy
from .edits import bracket_words, insert_words, margin_note, sign, strike_words, underline_words, write_note
from .fonts import find_fonts
from .forms import FAMILIES, FORMS
from .layouts import LAST_YEAR, LAYOUTS, lay_out
from .redactions import HAND_CODES, PRINTED_CODES, hide_lines, hide_words, put_code
from .sheet import Sheet
from .stamping import Stamping, first_year, free_place, put_stamp
from .wear import SEVERITIES, age_ink, binarise, dirty, skew_matrix

OTHER_INK_MOST = 0.6
INK_LOST_MOST = 0.65
"""As parts of the ink of a letter of a code: with more of other ink on it, or more of its own worn off, it is lost."""

OVER_FROM = 80
"""Ink (0..255) laid on by computer that is black in one bit: a hairline between two rows of pixels is not lost."""

EDITS = (
    "bracket",
    "bracket",
    "long-bracket",
    "struck-bracket",
    "typed-bracket",
    "strike",
    "insertion",
    "substitution",
    "underline",
    "marginal",
    "signature",
    "note",
)


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
    fill: float = 0.6  # how far down the page the body goes, as a part of its height
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
        truth: in the form of the labelled scans: ``image``, ``size``, ``source``, ``page``, ``marks``; beyond their
            keys a redaction says ``chars``, ``lines`` and ``hidden``, a strike and a drawn bracket their ``words``.
        layers: uint8 ``(h, w)`` ink masks by name (print, handwriting, stamp, ruling, fill), before wear but in the
            image's geometry; a pixel may belong to several. Turned when first asked for, from ``flat_layers`` by the
            affine matrix ``skew``.
    """

    image: np.ndarray
    dpi: int
    truth: dict[str, Any]
    flat_layers: dict[str, np.ndarray] = field(repr=False)
    skew: np.ndarray = field(repr=False)

    @cached_property
    def layers(self) -> dict[str, np.ndarray]:
        """Ink masks by name: see the class."""
        h, w = self.image.shape
        if not self.skew[0, 1]:
            return self.flat_layers
        return {n: cv2.warpAffine(ink, self.skew, (w, h)) if ink.any() else ink for n, ink in self.flat_layers.items()}

    def save(self, folder: Path, name: str) -> Path:
        """Writes ``NAME.png`` (one bit deep where it is black and white) and ``NAME.truth.json``; returns the image."""
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
        before=min([LAST_YEAR, *map(first_year, spec.stamps)]),
    )  # fmt: skip
    for decoy in spec.decoys:
        draw_decoy(decoy, sheet)
    for hiding in sorted(spec.redactions, key=lambda h: -h.lines):  # whole lines first, while they are whole
        _redact(sheet, hiding)
    for stamping in spec.stamps:
        put_stamp(sheet, stamping, severity=spec.severity)
    for edit in spec.edits:
        _edit(sheet, edit)
    truth = {
        "image": "", "size": [0, 0], "source": {"drawn": "redactlib.synth", "seed": seed},
        "page": {"quality": ("clean", "light", "middle", "heavy")[spec.severity]}, "marks": [],
    }  # fmt: skip
    return _finish(sheet.canvas, spec, truth)


def draw_pages(count: int, *, seed: int, dpi: int = 300, fonts: Path | None = None) -> Iterator[DrawnPage]:
    """Draws pages by chance, families and styles evenly, one after another."""
    for i in range(count):
        yield draw_page(seed=seed * 1_000_003 + i, dpi=dpi, fonts=fonts)


def draw_forms(*, seed: int, severity: int = 2, dpi: int = 300, fonts: Path | None = None) -> Iterator[DrawnPage]:
    """Draws one page for each wording of each family of stamps, to measure how well every family is read."""
    counts = Counter(form.family for form in FORMS)
    stampings = [Stamping(family=family, wording=i) for family, count in counts.items() for i in range(count)]
    for i, stamping in enumerate(stampings):
        layout = ("letter", "memo", "cable", "report")[i % 4]
        spec = PageSpec(layout=layout, stamps=(stamping,), severity=severity)
        yield draw_page(spec, seed=seed * 1_000_003 + i, dpi=dpi, fonts=fonts)


def random_spec(rng: np.random.Generator, *, severity: int | None = None) -> PageSpec:
    """What a page may hold, by chance: about a third as crowded as the busiest real ones."""
    families = [f for f in FAMILIES if f not in ("admin", "classification")]
    stamps = [Stamping(family=str(f), blank=bool(rng.random() < 0.06), struck=bool(rng.random() < 0.08))
              for f in rng.choice(families, int(rng.integers(0, 4)), replace=False)]  # fmt: skip
    stamps += [Stamping(family="admin") for _ in range(int(rng.integers(0, 4)))]
    stamps += [
        Stamping(family="classification", struck=bool(rng.random() < 0.5)) for _ in range(int(rng.random() < 0.6))
    ]
    style = str(rng.choice(STYLES))
    hidings = []
    for _ in range(int(rng.choice([0, 0, 1, 2, 3, 5, 8]))):
        by_hand = bool(rng.random() < 0.3)
        code = str(rng.choice(HAND_CODES if by_hand else PRINTED_CODES)) if rng.random() < 0.7 else None
        mixed = str(rng.choice(STYLES)) if rng.random() < 0.2 else style
        lines = int(rng.integers(1, 7)) if rng.random() < 0.35 and mixed != "textual" else 0
        place = "inside" if mixed in ("outlined", "whiteout", "cutout") and rng.random() < 0.4 else "margin"
        hidings.append(Hiding(style=mixed, words=(1, 5), lines=lines, code=code, place=place, by_hand=by_hand))
    edits = [Edit(kind=str(k)) for k in rng.choice(EDITS, int(rng.choice([0, 2, 5, 10, 16])))]
    decoys = tuple(str(d) for d in rng.choice(DECOYS, int(rng.choice([0, 0, 1, 2])), replace=False))
    return PageSpec(
        layout=str(rng.choice(LAYOUTS)),
        fill=float(rng.uniform(0.4, 0.9)),
        stamps=tuple(stamps),
        redactions=tuple(hidings),
        edits=tuple(edits),
        decoys=decoys,
        severity=int(rng.integers(1, 4)) if severity is None else severity,
        bitonal=bool(rng.random() < 0.9),
    )


def _redact(sheet: Sheet, hiding: Hiding) -> None:
    if hiding.lines:
        box = hide_lines(sheet, hiding.style, count=hiding.lines)
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
    elif edit.kind == "hand-code":
        code = edit.text or str(rng.choice(HAND_CODES))
        with sheet.canvas.mark("code", code=code, hand="yes"):
            sheet.canvas.write(
                code, max(0.3, sheet.left - 0.7), float(rng.uniform(0.6, 0.95)), hand=sheet.hand, height=0.24
            )
    elif edit.kind in ("signature", "note"):
        x, y = free_place(sheet, (1.6, 0.4))
        if edit.kind == "signature":
            sign(sheet, x=x - 0.8, y=y)
        else:
            write_note(sheet, x=min(x - 0.6, wide - 1.5), y=min(y, high - 0.2), text=edit.text)
    elif edit.kind != "typed-bracket":  # the typist has set those already
        words = sheet.span(words=(8, 40) if edit.kind == "long-bracket" else (1, 4), phrase=edit.phrase)
        if edit.kind.endswith("bracket"):
            bracket_words(sheet, words=words, struck=edit.kind == "struck-bracket")
        elif edit.kind in ("strike", "substitution"):
            strike_words(sheet, words=words)
        if edit.kind in ("insertion", "substitution"):
            insert_words(sheet, words=words, text=edit.text, caret=edit.kind == "insertion" or bool(rng.random() < 0.5))
        elif edit.kind == "underline":
            underline_words(sheet, words=words)


def _finish(canvas: Canvas, spec: PageSpec, truth: dict[str, Any]) -> DrawnPage:
    """Lays the sheet on the glass, wears its ink, adds what is laid over the scan, and notes where every mark lies."""
    rng, settings = canvas.rng, SEVERITIES[spec.severity]
    h, w = canvas.shape
    matrix = skew_matrix(canvas.shape, settings, rng)
    ruling = cv2.subtract(canvas.layers["ruling"], canvas.over)
    letters = (canvas.layers[name] for name in ("print", "handwriting", "stamp"))
    planes = [np.maximum.reduce([canvas.tone, ruling, *letters]), canvas.layers[CODES], canvas.over]
    if settings.skew_deg:
        filters = (cv2.INTER_LINEAR, cv2.INTER_LINEAR, cv2.INTER_NEAREST)  # the last one keeps hairlines whole
        planes = [np.asarray(cv2.warpAffine(p, matrix, (w, h), flags=f)) for p, f in zip(planes, filters, strict=True)]
    paper, own, over = planes
    worn = age_ink(paper, settings, dpi=canvas.dpi, rng=rng)
    image = binarise(worn, settings, rng=rng) if spec.bitonal else 255 - worn
    image = dirty(image, settings, dpi=canvas.dpi, rng=rng)
    image = np.minimum(image, np.where(over > OVER_FROM, np.uint8(0), np.uint8(255)) if spec.bitonal else 255 - over)
    ink = np.maximum(paper, over)
    marks = [m for m in (_final(d, matrix, (h, w)) for d in canvas.drawn) if m is not None]
    marks = [{"kind": "ignore", "box": m["box"]} if _is_lost(m, own, ink, image) else m for m in marks]
    truth = {**truth, "size": [w, h], "marks": marks}
    layers = {name: canvas.layers[name] for name in LAYERS}
    return DrawnPage(image=image, dpi=canvas.dpi, truth=truth, flat_layers=layers, skew=matrix)


def _is_lost(mark: dict[str, Any], own: np.ndarray, ink: np.ndarray, image: np.ndarray) -> bool:
    """Whether nobody could read a code any more: other ink runs over one of its letters, or wear has taken one.

    Args:
        own: the ink of codes, where it lies in the image, uint8.
        ink: all ink there before it was worn, uint8.
        image: the page, uint8, 0 black.
    """
    if mark["kind"] != "code":
        return False
    x0, y0, x1, y1 = mark["box"]
    drawn, black = own[y0:y1, x0:x1] > 127, image[y0:y1, x0:x1] < 128
    other, left = (ink[y0:y1, x0:x1] > 127) & ~drawn & black, drawn & black
    pixels, others, kept = (
        np.array([np.count_nonzero(letter) for letter in np.array_split(mask, len(mark["code"]), axis=1)])
        for mask in (drawn, other, left)
    )
    fair = np.maximum(pixels, pixels.mean() / 2)  # a point or a bracket has little ink of its own
    return bool((others > OTHER_INK_MOST * fair).any() or (pixels - kept > INK_LOST_MOST * fair).any())


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
