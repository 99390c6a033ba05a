"""A sheet of paper being drawn: its ink by layer, and the truth of what was put on it.

Positions are in inches from the top left, as typists and stamp makers count; a canvas turns them into pixels once. All
that is drawn inside ``with canvas.mark(...)`` becomes one mark of the truth, boxed by the hull of its ink, so that the
box stays tight when the sheet is turned.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw

from .fonts import load
from .pen import Hand, scrawl, write

LAYERS = ("print", "handwriting", "stamp", "ruling", "fill")
CODES = "codes"  # a layer more, of the ink of exemption codes, which lies in one of the others too
BY_COMPUTER = ("solid", "outlined", "shaded")  # styles of redactions that are laid over the scan, not on the paper
_INK_FROM = 40  # grey levels (0..255) of ink that count for a mark's hull: the soft rim of a letter does not


@dataclass(eq=False)
class Drawn:
    """One mark of the truth while the sheet is being drawn: its keys, and the points of its ink."""

    keys: dict[str, Any]
    points: list[np.ndarray] = field(default_factory=list)

    def hull(self) -> np.ndarray:
        """Corners float ``(n, 2)`` of the hull of the ink, in pixels; empty where nothing was drawn."""
        if not self.points:
            return np.zeros((0, 2))
        return cv2.convexHull(np.vstack(self.points).astype(np.float32)).reshape(-1, 2)


class Canvas:
    """Ink layers uint8 ``(h, w)`` (0 none, 255 full) of a sheet, and the marks drawn on it.

    ``tone`` is the ink of fills as the eye sees it (a grey is half-tone there, but whole in the layer ``fill``);
    ``over`` the ink of what a computer laid over the scan: it does not wear.
    """

    def __init__(self, width_in: float, height_in: float, *, dpi: int, rng: np.random.Generator) -> None:
        self.dpi, self.rng = dpi, rng
        self.shape = (max(1, round(height_in * dpi)), max(1, round(width_in * dpi)))
        self.layers = {name: np.zeros(self.shape, np.uint8) for name in (*LAYERS, CODES)}
        self.tone = np.zeros(self.shape, np.uint8)
        self.over = np.zeros(self.shape, np.uint8)
        self.drawn: list[Drawn] = []
        self._open: list[Drawn] = []

    @contextmanager
    def mark(self, kind: str, **keys: Any) -> Iterator[Drawn]:
        """Everything drawn inside belongs to this mark, and to those opened around it."""
        mark = Drawn({"kind": kind, **keys})
        self.drawn.append(mark)
        self._open.append(mark)
        yield mark
        self._open.remove(mark)

    def ink(self, layers: Sequence[str], mask: np.ndarray, x: int, y: int, *, tone: np.ndarray | None = None) -> None:
        """Lays ink on layers: a mask uint8 whose top left stands at pixel (x, y); what lies outside is cut off."""
        h, w = mask.shape
        x0, y0, x1, y1 = max(0, x), max(0, y), min(self.shape[1], x + w), min(self.shape[0], y + h)
        if x0 >= x1 or y0 >= y1:
            return
        part = np.s_[y0 - y : y1 - y, x0 - x : x1 - x]
        in_code = any(mark.keys["kind"] == "code" for mark in self._open)
        for name in (*layers, *((CODES,) if in_code else ())):
            target = self.layers[name][y0:y1, x0:x1]
            np.maximum(target, mask[part], out=target)
        by_computer = any(mark.keys.get("style") in BY_COMPUTER for mark in self._open)
        if by_computer or "fill" in layers:
            target = (self.over if by_computer else self.tone)[y0:y1, x0:x1]
            np.maximum(target, (mask if tone is None else tone)[part], out=target)
        if self._open:
            left, top, wide, high = cv2.boundingRect((mask[part] > _INK_FROM).astype(np.uint8))
            if wide:
                corners = [(left, top), (left + wide, top), (left, top + high), (left + wide, top + high)]
                self.touch(np.array(corners, float) + np.array([x0, y0]))

    def touch(self, points: np.ndarray) -> None:
        """Adds points (pixels) to the hull of all open marks."""
        for mark in self._open:
            mark.points.append(points)

    def text(
        self,
        text: str,
        x: float,
        y: float,
        *,
        face: str,
        size_pt: float,
        layers: Sequence[str] = ("print",),
        heavy: float = 0.0,
        squeeze: float = 1.0,
    ) -> float:
        """Sets a line of type with its baseline at y, starting at x (inches); returns its width in inches.

        Args:
            heavy: extra stroke, as a part of the type size: rubber letters are fatter than their drawing.
            squeeze: width of the letters against the drawing's.
        """
        font = load(face, max(4, round(size_pt / 72 * self.dpi)))
        stroke = round(heavy * size_pt / 72 * self.dpi)
        left, top, right, bottom = font.getbbox(text, anchor="ls", stroke_width=stroke)
        if right <= left or bottom <= top:
            return font.getlength(text) / self.dpi
        sprite = Image.new("L", (int(right - left), int(bottom - top)))
        ImageDraw.Draw(sprite).text((-left, -top), text, fill=255, font=font, anchor="ls", stroke_width=stroke)
        mask = np.asarray(sprite)
        if squeeze != 1.0:
            mask = cv2.resize(
                mask, (max(1, round(mask.shape[1] * squeeze)), mask.shape[0]), interpolation=cv2.INTER_AREA
            )
        self.ink(layers, mask, round(x * self.dpi + left * squeeze), round(y * self.dpi) + int(top))
        return font.getlength(text) * squeeze / self.dpi

    def type(self, text: str, x: float, y: float, *, face: str, pitch: float, touch: float = 1.0) -> None:
        """Types a line: every letter in its own cell of ``1 / pitch`` inch, a little off its place and weight."""
        cell = self.dpi / pitch
        weight = touch * np.clip(self.rng.normal(0.97, 0.1, len(text)), 0.6, 1.0)
        shift = np.rint(self.rng.normal(0, 0.008 * self.dpi / 2, (len(text), 2))).astype(int)
        for i, char in enumerate(text):
            if char == " ":
                continue
            mask, left, top = _glyph(face, char, cell)
            mask = (mask * weight[i]).astype(np.uint8)
            px, py = round(x * self.dpi + i * cell) + left + shift[i, 0], round(y * self.dpi) + top + shift[i, 1]
            if char in "[]":
                with self.mark("bracket", side="open" if char == "[" else "close", form="typed"):
                    self.ink(("print",), mask, px, py)
            else:
                self.ink(("print",), mask, px, py)

    def stroke(self, points: np.ndarray, *, width_mm: float, layers: Sequence[str] = ("handwriting",)) -> None:
        """Draws one polyline; points float ``(n, 2)`` in inches, its ends round."""
        width = max(1, round(width_mm / 25.4 * self.dpi))
        px = np.asarray(points, float) * self.dpi
        pad = width + 2
        low = np.floor(px.min(axis=0)).astype(int) - pad
        size = np.ceil(px.max(axis=0)).astype(int) + pad - low
        mask = np.zeros((size[1], size[0]), np.uint8)
        fixed = np.rint((px - low) * 16).astype(np.int32)
        cv2.polylines(mask, [fixed.reshape(-1, 1, 2)], False, 255, width, cv2.LINE_AA, 4)
        self.ink(layers, mask, int(low[0]), int(low[1]))

    def write(self, text: str, x: float, y: float, *, hand: Hand, height: float) -> float:
        """Writes a line by hand, its baseline at y and its capitals ``height`` inches high; returns its width."""
        if hand.font is not None:
            size = height * 72 / 0.7  # capitals are about 0.7 of an em
            return self.text(text, x, y, face=hand.font, size_pt=size, layers=("handwriting",), heavy=0.008)
        strokes = write(text, hand, self.rng)
        pen_mm = min(
            hand.pen_mm, 0.13 * height * 25.4
        )  # small writing is done with the point, not the side, of the pen
        tilt = self.rng.normal(0, 0.02)
        for points in strokes:
            line = points * height / 10
            line[:, 1] += tilt * line[:, 0]
            self.stroke(line + np.array([x, y]), width_mm=pen_mm * float(self.rng.uniform(0.85, 1.15)))
        return max((float(s[:, 0].max()) for s in strokes), default=0.0) * height / 10

    def scrawl(self, x: float, y: float, *, hand: Hand, height: float) -> None:
        """Signs: loops that nobody can read, the tallest ``height`` inches high."""
        for points in scrawl(self.rng, loops=int(self.rng.integers(3, 7))):
            self.stroke(points * height / 10 + np.array([x, y]), width_mm=hand.pen_mm)

    def rule(
        self, x0: float, y0: float, x1: float, y1: float, *, width_mm: float = 0.25, layers: Sequence[str] = ("ruling",)
    ) -> None:
        """A straight printed line between two points."""
        self.stroke(np.array([[x0, y0], [x1, y1]]), width_mm=width_mm, layers=layers)

    def frame(
        self, x0: float, y0: float, x1: float, y1: float, *, width_mm: float = 0.25, layers: Sequence[str] = ("ruling",)
    ) -> None:
        """Four printed lines round a box."""
        corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]])
        self.stroke(corners, width_mm=width_mm, layers=layers)

    def fill(self, x0: float, y0: float, x1: float, y1: float, *, tone: np.ndarray | int = 255) -> None:
        """Fills a box; ``tone`` is its ink, uint8: one value, or ``(h, w)`` no less than the box."""
        left, top, right, bottom = (round(v * self.dpi) for v in (x0, y0, x1, y1))
        mask = np.full((bottom - top, right - left), 255, np.uint8)
        ink = np.full_like(mask, tone) if isinstance(tone, int) else tone[: mask.shape[0], : mask.shape[1]]
        self.ink(("fill",), mask, left, top, tone=ink)

    def erase(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """Takes all ink out of a box, and the marks that stood wholly in it: fluid, scissors, or the black to come."""
        left, top, right, bottom = (max(0, round(v * self.dpi)) for v in (x0, y0, x1, y1))
        low, high = np.array([left, top]) - 2, np.array([right, bottom]) + 2
        self.drawn = [
            m for m in self.drawn
            if m in self._open or not (len(h := m.hull()) and (h >= low).all() and (h <= high).all())
        ]  # fmt: skip
        for layer in (*self.layers.values(), self.tone, self.over):
            layer[top:bottom, left:right] = 0

    def paste(self, other: Canvas, x: float, y: float, *, angle_deg: float = 0.0) -> None:
        """Puts another canvas on this one, turned counter-clockwise, its centre at (x, y)."""
        h, w = other.shape
        matrix = cv2.getRotationMatrix2D((w / 2, h / 2), angle_deg, 1.0)
        wide = int(np.ceil(abs(matrix[0, 0]) * w + abs(matrix[0, 1]) * h))
        high = int(np.ceil(abs(matrix[0, 0]) * h + abs(matrix[0, 1]) * w))
        matrix[:, 2] += np.array([wide / 2 - w / 2, high / 2 - h / 2])
        left, top = round(x * self.dpi - wide / 2), round(y * self.dpi - high / 2)
        for name, layer in other.layers.items():
            if layer.any():
                tone = cv2.warpAffine(other.tone, matrix, (wide, high)) if name == "fill" else None
                self.ink((name,), cv2.warpAffine(layer, matrix, (wide, high)), left, top, tone=tone)
        for mark in other.drawn:
            hull = mark.hull()
            self.drawn.append(
                Drawn(mark.keys, [hull @ matrix[:, :2].T + matrix[:, 2] + (left, top)] if len(hull) else [])
            )


@lru_cache(maxsize=4096)
def _glyph(face: str, char: str, cell_px: float) -> tuple[np.ndarray, int, int]:
    """A typed letter that fills its cell: ``(mask, left, top)`` from the cell's left edge on the baseline.

    The mask is shared by all its uses: never write to it.
    """
    em = load(face, 200).getlength("0") / 200
    font = load(face, max(4, round(cell_px / em)))
    left, top, right, bottom = (int(v) for v in font.getbbox(char, anchor="ls"))
    sprite = Image.new("L", (max(1, right - left), max(1, bottom - top)))
    ImageDraw.Draw(sprite).text((-left, -top), char, fill=255, font=font, anchor="ls")
    return np.asarray(sprite), left, top
