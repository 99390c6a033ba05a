"""The ink model on drawn pages: what was typed, written and filled comes out on its own layer."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from redactlib.layers import INK, Layers, darkness, separate
from redactlib.scan import Scan
from redactlib.synth import DrawnPage, PageSpec, draw_page
from redactlib.synth.page import Edit, Stamping


@pytest.fixture(scope="module")
def page() -> DrawnPage:
    edits = tuple(Edit(kind=kind) for kind in ("bracket", "strike", "signature", "marginal"))
    return draw_page(PageSpec(stamps=(Stamping(family="cia-no-objection"),), edits=edits, severity=1), seed=2, dpi=150)


@pytest.fixture(scope="module")
def layers(page: DrawnPage) -> Layers:
    return separate(Scan(page.image, 150.0))


def test_maps_lie_over_the_page(page: DrawnPage, layers: Layers) -> None:
    height, width = layers.print.shape
    assert abs(height - page.image.shape[0] * layers.scale) <= 1
    assert abs(width - page.image.shape[1] * layers.scale) <= 1
    assert all(getattr(layers, name).dtype == np.uint8 for name in (*INK, "bracket_open", "bracket_close"))
    assert layers.bracket_size.shape == (height, width, 2)


def test_two_runs_agree_bit_for_bit(page: DrawnPage, layers: Layers) -> None:
    again = separate(Scan(page.image, 150.0))
    assert all(np.array_equal(getattr(again, name), getattr(layers, name)) for name in (*INK, "bracket_size"))


@pytest.mark.parametrize("name", ["print", "handwriting"])
def test_ink_lies_on_its_layer(page: DrawnPage, layers: Layers, name: str) -> None:
    size = layers.print.shape[::-1]
    own = cv2.resize(page.layers[name], size, interpolation=cv2.INTER_AREA) > 100
    other = cv2.resize(
        page.layers["print" if name == "handwriting" else "handwriting"], size, interpolation=cv2.INTER_AREA
    )
    heat = getattr(layers, name)
    assert heat[own].mean() > 1.5 * heat[(other > 100) & ~own].mean()


def test_darkness_takes_the_tone_of_the_paper_away() -> None:
    grey = np.full((300, 300), 180, np.uint8)
    grey[100:200, 140:150] = 40
    dark, scale = darkness(Scan(grey, 128.0))
    assert scale == 1
    assert dark[20, 20] < 10
    assert dark[150, 145] > 150


def test_scale_follows_the_resolution() -> None:
    blank = separate(Scan(np.full((600, 400), 255, np.uint8), 200.0))
    assert blank.scale == pytest.approx(0.32)
    assert blank.handwriting.max() < 128
