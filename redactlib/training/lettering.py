"""The lettering model: where stamped words stand, and which level they are, told by shape at 64 dpi.

The network works at 1/4 to 1/32 of the resolution; words are centre points with a size and an angle (CenterNet, Zhou et
al. 2019), their heat trained with the focal loss (Lin et al. 2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from redactlib.detect.spotting import KINDS, SpotSettings
from redactlib.synth.fonts import find_fonts
from redactlib.training.ink import fold_of
from redactlib.training.lettering_pages import (
    Crop,
    CropSettings,
    LetteringPage,
    Place,
    draw_word,
    load_pages,
    make_crop,
    page_weights,
)
from redactlib.training.networks import descend, double, go_on_from, to_onnx, write


def _conv(inputs: int, outputs: int, *, stride: int = 1, dilation: int = 1, side: int = 3) -> nn.Sequential:
    pad = dilation * (side // 2)
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, side, stride, pad, dilation, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


class LetteringNet(nn.Module):
    """Darkness ``(n, 1, h, w)`` in 0..1 to ``(n, 11, h/4, w/4)``: logits of the heat, log sizes, sine of the angle."""

    def __init__(self, channels: tuple[int, int, int, int] = (28, 48, 80, 112)) -> None:
        super().__init__()
        a, b, c, d = channels
        self.down1 = nn.Sequential(_conv(1, 16, stride=2, side=5), _conv(16, a, stride=2), _conv(a, a))
        self.down2 = nn.Sequential(_conv(a, b, stride=2), _conv(b, b))
        self.down3 = nn.Sequential(_conv(b, c, stride=2), _conv(c, c), _conv(c, c, dilation=2))
        self.down4 = nn.Sequential(_conv(c, d, stride=2), _conv(d, d, dilation=2))
        self.lift3, self.lift2, self.lift1 = nn.Conv2d(d, c, 1), nn.Conv2d(c, b, 1), nn.Conv2d(b, a, 1)
        self.up3, self.up2, self.up1 = _conv(c, c), _conv(b, b), _conv(a, a)
        self.head = nn.Sequential(_conv(a, 40), nn.Conv2d(40, len(KINDS) + 3, 1))
        bias = torch.tensor([-4.0] * len(KINDS) + [0.8, -0.8, 0.0])  # words are rare: begin by finding none
        last: Any = self.head[1]
        last.bias = nn.Parameter(bias)

    def forward(self, dark: Tensor) -> Tensor:
        fine = self.down1(dark)
        middle = self.down2(fine)
        coarse = self.down3(middle)
        up = double(self.lift3(self.down4(coarse)))
        up = double(self.lift2(self.up3(coarse + up)))
        up = double(self.lift1(self.up2(middle + up)))
        maps: Tensor = self.head(self.up1(fine + up))
        return maps


@dataclass(frozen=True)
class TrainSettings:
    """How the network is trained."""

    batch: int = 12
    rate: float = 2.5e-3
    decay: float = 1e-3
    size_weight: float = 0.5
    drawn_words: int = 3000  # drawn once and laid on in ever other ways
    seed: int = 0


def targets(crops: Sequence[Crop], settings: SpotSettings = SpotSettings()) -> tuple[np.ndarray, ...]:
    """Stack crops: darkness; heat, where it is judged, sizes with sine, and how much they count, at 1/4."""
    dark = np.stack([c.dark for c in crops])[:, None].astype(np.float32) / 255
    rows, columns = dark.shape[2] // 4, dark.shape[3] // 4
    bits = (
        np.stack([c.judged for c in crops])[:, 2::4, 2::4][:, None]
        >> np.arange(len(KINDS), dtype=np.uint8)[None, :, None, None]
    )
    heat = np.zeros((len(crops), len(KINDS), rows, columns), np.float32)
    size = np.zeros((len(crops), 3, rows, columns), np.float32)
    for i, crop in enumerate(crops):
        for place in crop.places:
            _mark(heat[i], size[i], place, settings)
    return dark, heat, (bits & 1).astype(np.float32), size, heat.max(1, keepdims=True) ** 2


def _mark(heat: np.ndarray, size: np.ndarray, place: Place, settings: SpotSettings) -> None:
    """Put a word's heat, highest at its centre, and its size into one crop's maps, in place."""
    x0, y0, x1, y1 = place.box
    rows, columns = heat.shape[1:]
    ys, xs = np.mgrid[:rows, :columns]
    cx, cy = (x0 + x1) / 8 - 0.5, (y0 + y1) / 8 - 0.5
    spread_x, spread_y = max(0.9, (x1 - x0) / 4 / 9), max(0.8, (y1 - y0) / 4 / 5)
    blob = np.exp(-((xs - cx) ** 2) / (2 * spread_x**2) - (ys - cy) ** 2 / (2 * spread_y**2)).astype(np.float32)
    blob[int(np.clip(round(cy), 0, rows - 1)), int(np.clip(round(cx), 0, columns - 1))] = 1
    closest = blob > heat.max(0)
    np.maximum(heat[place.kind], blob, out=heat[place.kind])
    logs = np.log(np.maximum([x1 - x0, y1 - y0], 1) / settings.unit_px)
    size[:, closest] = np.array([*logs, place.sine], np.float32)[:, None]


def loss_of(maps: Tensor, batch: Sequence[Tensor], settings: TrainSettings) -> Tensor:
    """Focal loss of the heat where it is judged, and how far off sizes and angles are at the words."""
    heat, judged, size, near = batch
    logits = maps[:, : len(KINDS)]
    hot = torch.sigmoid(logits)
    peak = (heat >= 0.999).float() * judged
    focal = -(
        peak * (1 - hot) ** 2 * functional.logsigmoid(logits)
        + (1 - peak) * judged * (1 - heat) ** 4 * hot**2 * functional.logsigmoid(-logits)
    )
    extent = (near * (maps[:, len(KINDS) :] - size).abs()).sum() / near.sum().clamp(min=1)
    return focal.sum() / peak.sum().clamp(min=4) + settings.size_weight * extent


def train(
    pages: Sequence[LetteringPage],
    *,
    minutes: float,
    fonts: Path | None = None,
    start: LetteringNet | None = None,
    settled: bool = False,
    steps: int = 10**9,
    log: Path | None = None,
    settings: TrainSettings = TrainSettings(),
) -> LetteringNet:
    """Train a network for a time, from `start` if given, with its normalisations left as they are where `settled`."""
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed + (start is not None))
    faces = find_fonts(fonts)
    drawn = [draw_word(rng, faces) for _ in range(settings.drawn_words)]
    real = [word for page in pages for word in page.words]
    weights = page_weights(pages)
    net = start or LetteringNet()
    descend(
        net,
        lambda: targets(
            [make_crop(pages, weights, drawn, real, faces, rng, CropSettings()) for _ in range(settings.batch)]
        ),
        lambda maps, truth: loss_of(maps, truth, settings),
        rate=settings.rate,
        decay=settings.decay,
        steps=steps,
        minutes=minutes,
        settled=settled,
        log=log,
    )
    return net


class _Probabilities(nn.Module):
    """The network with its heat as probabilities."""

    def __init__(self, net: LetteringNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, dark: Tensor) -> Tensor:
        maps = self.net(dark)
        return torch.cat([torch.sigmoid(maps[:, : len(KINDS)]), maps[:, len(KINDS) :]], 1)


def export(net: LetteringNet) -> bytes:
    """The network as ONNX: input ``dark``, output ``maps``, any height and width of whole cells."""
    return to_onnx(_Probabilities(net), {"maps": ("h4", "w4")})


def rebuild(
    scans: Path,
    out: Path,
    *,
    fonts: Path | None = None,
    minutes: float = 40.0,
    fold: int | None = None,
    start: Path | None = None,
) -> None:
    """Train the shipped model from a folder of scans, and write it with its weights (``.npz``) beside it.

    Args:
        scans: holds ``labelled`` and ``unlabelled``.
        out: the ONNX file.
        fonts: type faces of the drawn words.
        minutes: how long to train.
        fold: the half of the documents to leave out, or ``None`` for the model that ships.
        start: weights (``.npz``) or a model (``.onnx``) to go on from.
    """
    pages = [page for page in load_pages(scans) if fold is None or fold_of(page.name) != fold]
    net = LetteringNet()
    rate_share, settled = go_on_from(net, start)
    settings = TrainSettings(rate=rate_share * TrainSettings.rate)
    log = out.with_suffix(".log")
    net = train(
        pages, minutes=minutes, fonts=fonts, start=net if start else None, settled=settled, log=log, settings=settings
    )
    write(net, export(net), out)
