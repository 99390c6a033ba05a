"""Stamped words seen as a picture: levels, GROUP boxes, dates and serial numbers that no text detector holds together.

A small network (centre points with a size, after CenterNet, Zhou et al. 2019) looks once over the page at 64 dpi, where
dots run together to letters and words are told by their shape. What it sees is only proposed: the recogniser is asked
what it says. It ships as ``models/lettering.onnx``; ``models/MODEL_CARD.md`` says how it was made.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from redactlib.layers import LayerSettings, darkness, run_model
from redactlib.marks import Box, area, intersection
from redactlib.scan import Scan

KINDS = ("TOP SECRET", "SECRET", "CONFIDENTIAL", "UNCLASSIFIED", "control", "group", "date", "serial")
"""What the network tells apart, in the order of its heat maps; log width, log height and sine of the angle follow."""

Network = Callable[[np.ndarray], np.ndarray]
"""Runs the model on float32 ``(1, 1, h, w)`` darkness in 0..1: ``(11, h/4, w/4)``, the heat as probabilities."""


@dataclass(frozen=True)
class SpotSettings:
    """At what resolution the network looks, and what of its maps counts."""

    resolution_dpi: float = 64.0
    fold_px: int = 32  # the page is padded to whole cells of the network's coarsest level
    unit_px: float = 32.0  # sizes are given by their logarithm over this length
    heat_min: float = 0.15
    overlap_max: float = 0.5  # of the smaller box: the hotter of two stays
    spots_max: int = 40


@dataclass(frozen=True)
class Spot:
    """A stamped word proposed: its upright box and its corners ``(4, 2)`` in page pixels, its kind, how sure (0..1)."""

    box: Box
    corners: np.ndarray
    kind: str
    heat: float


def find_spots(scan: Scan, *, network: Network | None = None, settings: SpotSettings = SpotSettings()) -> list[Spot]:
    """Stamped words of an upright page, the surest first."""
    dark, scale = darkness_of(scan, settings)
    down, right = -dark.shape[0] % settings.fold_px, -dark.shape[1] % settings.fold_px
    padded = cv2.copyMakeBorder(dark, 0, down, 0, right, cv2.BORDER_CONSTANT, value=0).astype(np.float32) / 255
    maps = (network or shipped_network())(padded[None, None])
    heat = maps[: len(KINDS)]
    peaks = (heat == cv2.dilate(heat.transpose(1, 2, 0), np.ones((3, 3), np.uint8)).transpose(2, 0, 1)) & (
        heat >= settings.heat_min
    )
    found: list[Spot] = []
    for kind, row, column in sorted(np.argwhere(peaks).tolist(), key=lambda k: -heat[k[0], k[1], k[2]]):
        spot = _spot(maps, kind, row, column, scale, settings)
        if not any(_shared(spot.box, other.box) > settings.overlap_max for other in found):
            found.append(spot)
    return found[: settings.spots_max]


def darkness_of(scan: Scan, settings: SpotSettings = SpotSettings()) -> tuple[np.ndarray, float]:
    """The page's darkness at the network's resolution, uint8, and its pixels a page pixel."""
    dark, scale = darkness(scan)
    share = settings.resolution_dpi / LayerSettings().resolution_dpi
    size = max(1, round(dark.shape[1] * share)), max(1, round(dark.shape[0] * share))
    return cv2.resize(dark, size, interpolation=cv2.INTER_AREA), scale * share


def _spot(maps: np.ndarray, kind: int, row: int, column: int, scale: float, settings: SpotSettings) -> Spot:
    wide, high = np.exp(np.clip(maps[len(KINDS) : len(KINDS) + 2, row, column], -3, 3)) * settings.unit_px / scale
    sine = float(np.clip(maps[len(KINDS) + 2, row, column], -0.7, 0.7))
    centre = np.array([column * 4 + 2, row * 4 + 2]) / scale
    x0, y0 = centre - np.array([wide, high]) / 2
    box = (max(0, round(x0)), max(0, round(y0)), round(x0 + wide), round(y0 + high))
    return Spot(box, _corners(centre, float(wide), float(high), sine), KINDS[kind], float(maps[kind, row, column]))


def _corners(centre: np.ndarray, wide: float, high: float, sine: float) -> np.ndarray:
    """Corners of a word of which the upright box and the angle are known: what length and height fill that box."""
    cosine = float(np.sqrt(1 - sine * sine))
    spread = cosine * cosine - sine * sine
    length, height = wide, high
    if spread > 0.2:
        length, height = (wide * cosine - high * abs(sine)) / spread, (high * cosine - wide * abs(sine)) / spread
        if height < 0.35 * high:  # the angle says more than the box allows
            length, height = wide, high
    along, down = np.array([cosine, -sine]) * length / 2, np.array([sine, cosine]) * height / 2
    corners = [centre - along - down, centre + along - down, centre + along + down, centre - along + down]
    return np.array(corners, np.float32)


def _shared(a: Box, b: Box) -> float:
    return intersection(a, b) / max(1, min(area(a), area(b)))


@cache
def shipped_network() -> Network:
    """The lettering model that comes with the package."""
    return load_network((importlib.resources.files("redactlib") / "models" / "lettering.onnx").read_bytes())


def load_network(model: bytes) -> Network:
    """Make a lettering model runnable."""
    run = run_model(model, ("maps",))
    return lambda dark: run(dark)[0][0]
