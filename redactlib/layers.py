"""Which ink is what: one pass over the page that tells print, handwriting, stamp, ruling and fill apart.

A small fully convolutional network (U-Net, Ronneberger et al. 2015, on pixels folded 4 x 4) runs once over the page at
128 dpi. It ships as ``models/ink.onnx``; ``models/MODEL_CARD.md`` says how it was made and how well it does.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Protocol

import cv2
import numpy as np

from redactlib.scan import Scan

INK = ("print", "handwriting", "stamp", "ruling", "fill")
"""The ink layers, in the order of the network's outputs."""

INK_DARKNESS = 110
"""Darkness (:func:`darkness`) above which a pixel at working resolution counts as inked."""


@dataclass(frozen=True, eq=False)
class Layers:
    """Probability maps of one page, each uint8 ``(h, w)``, 0..255; a pixel may belong to several.

    Attributes:
        scale: map pixels a page pixel, so that ``x_map = x_page * scale``.
        print: typed and printed text.
        handwriting: pen strokes of every role, strikes included; drawn brackets are not in it.
        stamp: rubber stamps, labels and release lines.
        ruling: box borders, table rules, form lines.
        fill: solid, shaded and hatched areas.
        bracket_open, bracket_close: heat at the centres of square brackets, drawn or typed.
        bracket_size: float32 ``(h, w, 2)``, width and height in page pixels of the bracket centred there.
    """

    scale: float
    print: np.ndarray
    handwriting: np.ndarray
    stamp: np.ndarray
    ruling: np.ndarray
    fill: np.ndarray
    bracket_open: np.ndarray
    bracket_close: np.ndarray
    bracket_size: np.ndarray


@dataclass(frozen=True)
class LayerSettings:
    """At what resolution the network works."""

    resolution_dpi: float = 128.0  # pen strokes are two pixels wide, and a letter page takes 0.1 s
    fold_px: int = 32  # the page is padded to whole cells of the network's coarsest level
    unit_px: float = 32.0  # bracket sizes are given by their logarithm over this length


class Network(Protocol):
    """Runs the ink model on float32 ``(1, 1, h, w)``: ink maps ``(5, h/2, w/2)`` and bracket maps ``(4, h/4, w/4)``."""

    def __call__(self, dark: np.ndarray) -> tuple[np.ndarray, np.ndarray]: ...


def separate(scan: Scan, *, network: Network | None = None, settings: LayerSettings = LayerSettings()) -> Layers:
    """Tell the ink of a page apart.

    Args:
        scan: the page, upright.
        network: what runs the model; the shipped one by default.
        settings: the working resolution.

    Returns:
        probability maps at half the working resolution.
    """
    dark, scale = darkness(scan, settings)
    height, width = dark.shape
    down, right = -height % settings.fold_px, -width % settings.fold_px
    padded = cv2.copyMakeBorder(dark, 0, down, 0, right, cv2.BORDER_CONSTANT, value=0).astype(np.float32) / 255
    ink, bracket = (network or shipped_network())(padded[None, None])
    rows, columns = (height + 1) // 2, (width + 1) // 2
    maps = (np.clip(ink, 0, 1)[:, :rows, :columns] * 255).round().astype(np.uint8)
    heat = [cv2.resize(m, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)[:rows, :columns] for m in bracket]
    size = np.exp(np.clip(np.stack(heat[2:], 2), -4, 4)) * settings.unit_px / scale
    heats = [(np.clip(h, 0, 1) * 255).round().astype(np.uint8) for h in heat[:2]]
    ink_maps = dict(zip(INK, maps, strict=True))
    return Layers(scale=scale / 2, **ink_maps, bracket_open=heats[0], bracket_close=heats[1], bracket_size=size)


def darkness(scan: Scan, settings: LayerSettings = LayerSettings()) -> tuple[np.ndarray, float]:
    """The page at working resolution, uint8, 0 for its paper and 255 for black, and work pixels a page pixel.

    That of the last page is kept, to be read only: the stages ask for it one after the other.
    """
    return _darkness(scan, settings)


@lru_cache(maxsize=1)
def _darkness(scan: Scan, settings: LayerSettings) -> tuple[np.ndarray, float]:
    scale = settings.resolution_dpi / scan.dpi
    size = max(1, round(scan.width * scale)), max(1, round(scan.height * scale))
    grey = cv2.resize(scan.grey, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    paper = cv2.resize(grey, None, fx=0.125, fy=0.125, interpolation=cv2.INTER_AREA)
    paper = cv2.GaussianBlur(cv2.dilate(paper, np.ones((7, 7), np.uint8)), (0, 0), 5)
    paper = np.maximum(cv2.resize(paper, size, interpolation=cv2.INTER_LINEAR).astype(np.float32), 90)
    dark = np.clip(255 - grey * (255 / paper), 0, 255).astype(np.uint8)
    dark.setflags(write=False)
    return dark, scale


@cache
def shipped_network() -> Network:
    """The ink model that comes with the package, on ONNX Runtime, or on OpenCV's dnn where that is missing."""
    return load_network((importlib.resources.files("redactlib") / "models" / "ink.onnx").read_bytes())


def load_network(model: bytes) -> Network:
    """Make an ink model runnable."""
    run = run_model(model, ("ink", "bracket"))

    def ink_and_brackets(dark: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        ink, bracket = run(dark)
        return ink[0], bracket[0]

    return ink_and_brackets


def run_model(model: bytes, outputs: Sequence[str]) -> Callable[[np.ndarray], Sequence[np.ndarray]]:
    """What runs an ONNX model of one input, on one thread: ONNX Runtime, or OpenCV's dnn where that is missing."""
    try:
        import onnxruntime
    except ImportError:
        net = cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8))

        def run_opencv(data: np.ndarray) -> Sequence[np.ndarray]:
            net.setInput(data)
            return net.forward(outputs)

        return run_opencv
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda data: session.run(outputs, {session.get_inputs()[0].name: data})
