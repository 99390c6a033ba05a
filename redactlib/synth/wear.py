"""What years, copiers and scanners do to a page: skew, uneven ink, blur, the threshold to black and white, dirt."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True, kw_only=True)
class WearSettings:
    """How hard each kind of wear acts. Lengths in inches, so that a page drawn at any dpi wears alike."""

    skew_deg: float
    fade: float  # how far the ink thins out where the copier's drum is weak, 0..1
    grain: float  # ragged edges and pinholes: strength of fine noise in the ink, 0..1
    blur_in: float  # standard deviation of the optics
    level: float  # ink needed to print black, 0..1: low fattens strokes, high breaks them
    specks_per_in2: float
    blots: int  # smudges of toner
    edge: float  # chance of a dark scan edge, each side


SEVERITIES: dict[int, WearSettings] = {
    0: WearSettings(skew_deg=0, fade=0, grain=0, blur_in=0, level=0.5, specks_per_in2=0, blots=0, edge=0),
    1: WearSettings(
        skew_deg=0.4, fade=0.15, grain=0.25, blur_in=0.0022, level=0.45, specks_per_in2=0.6, blots=0, edge=0.1
    ),
    2: WearSettings(skew_deg=0.9, fade=0.4, grain=0.5, blur_in=0.0035, level=0.42, specks_per_in2=4, blots=2, edge=0.3),
    3: WearSettings(
        skew_deg=1.6, fade=0.62, grain=0.75, blur_in=0.0048, level=0.40, specks_per_in2=18, blots=6, edge=0.5
    ),
}


def skew_matrix(shape: tuple[int, int], settings: WearSettings, rng: np.random.Generator) -> np.ndarray:
    """The turn about the page's middle that laying it on the glass makes: float ``(2, 3)``, for ``cv2.warpAffine``."""
    angle = float(np.clip(rng.normal(0, settings.skew_deg / 2), -settings.skew_deg, settings.skew_deg))
    return cv2.getRotationMatrix2D((shape[1] / 2, shape[0] / 2), angle, 1.0)


def age_ink(ink: np.ndarray, settings: WearSettings, *, dpi: int, rng: np.random.Generator) -> np.ndarray:
    """Ink as the scanner sees it after fading, grain and blur; uint8 in, uint8 out, 255 full ink."""
    h, w = ink.shape
    if settings.fade:
        coarse = rng.random((h // dpi + 3, w // dpi + 3), dtype=np.float32)
        field = cv2.resize(coarse, (w // 16, h // 16), interpolation=cv2.INTER_CUBIC)
        strength = np.clip(255 * (1 - settings.fade * np.clip(field - 0.35, 0, 1)), 0, 255).astype(np.uint8)
        ink = cv2.multiply(ink, cv2.resize(strength, (w, h), interpolation=cv2.INTER_LINEAR), scale=1 / 255)
    if settings.grain:
        ink = cv2.multiply(ink, _grain((h, w), settings.grain, rng), scale=1 / 255)
    if settings.blur_in:
        ink = cv2.GaussianBlur(ink, (0, 0), max(0.4, settings.blur_in * dpi))
    return ink


def binarise(ink: np.ndarray, settings: WearSettings, *, rng: np.random.Generator) -> np.ndarray:
    """Black where the ink passes the scanner's level, which trembles a little; uint8, 0 black, 255 white."""
    level = int(255 * np.clip(settings.level + rng.normal(0, 0.02), 0.2, 0.8))
    return np.where(ink > level, np.uint8(0), np.uint8(255))


def dirty(image: np.ndarray, settings: WearSettings, *, dpi: int, rng: np.random.Generator) -> np.ndarray:
    """Adds what was never on the paper: specks, smudges of toner, dark edges; uint8 grey in and out."""
    image = image.copy()
    h, w = image.shape
    count = int(rng.poisson(settings.specks_per_in2 * h * w / dpi**2))
    ys, xs = rng.integers(0, h, count), rng.integers(0, w, count)
    radius = np.minimum(rng.exponential(0.0022 * dpi, count), 0.012 * dpi).astype(int)
    image[ys, xs] = 0
    for x, y, r in zip(xs[radius > 0], ys[radius > 0], radius[radius > 0], strict=True):
        cv2.circle(image, (int(x), int(y)), int(r), 0, -1)
    for _ in range(int(rng.poisson(settings.blots))):
        spread = float(rng.uniform(0.1, 0.5)) * dpi
        centre = rng.uniform((0, 0), (w, h))
        dots = np.rint(rng.normal(centre, spread, (int(rng.integers(60, 500)), 2))).astype(int)
        dots = dots[(dots >= 0).all(axis=1) & (dots < (w, h)).all(axis=1)]
        image[dots[:, 1], dots[:, 0]] = 0
        image[dots[:, 1], np.minimum(dots[:, 0] + 1, w - 1)] = 0
    for side in range(4):
        if rng.random() < settings.edge:
            image = np.ascontiguousarray(np.rot90(_dark_edge(np.rot90(image, side), dpi, rng), -side))
    return image


def _grain(shape: tuple[int, int], strength: float, rng: np.random.Generator) -> np.ndarray:
    """Fine noise to multiply ink with: one tile of it, mirrored over the page at a random place."""
    tile = cv2.GaussianBlur(rng.random((256, 384), dtype=np.float32), (0, 0), 0.9)
    spread = (tile - tile.mean()) / tile.std()
    gain = np.clip(255 * (1 - 0.16 * strength - 0.22 * strength * spread), 0, 255).astype(np.uint8)
    return np.tile(gain, (shape[0] // 256 + 1, shape[1] // 384 + 1))[: shape[0], : shape[1]]


def _dark_edge(image: np.ndarray, dpi: int, rng: np.random.Generator) -> np.ndarray:
    """The copier's black where the paper ended, ragged, at the top of the picture."""
    image = image.copy()
    w = image.shape[1]
    deep = rng.uniform(0.01, 0.08) * dpi
    rim = deep * (1 + 0.5 * np.sin(np.linspace(0, rng.uniform(1, 5), w))) + rng.normal(0, 0.004 * dpi, w)
    rows = int(max(2, rim.max() + 1))
    image[:rows][np.arange(rows)[:, None] < rim[None, :]] = 0
    return image
