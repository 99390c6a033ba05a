"""The ink model: a small U-Net trained on labelled pages, on pages without labels, and on marks drawn over both.

The network folds 4 x 4 pixels into channels, works at 1/4 to 1/32 of the resolution, and unfolds to 1/2 for the ink
maps (after Shi et al. 2016). Brackets are centre points with a size (CenterNet, Zhou et al. 2019). Where the truth of
a pixel is not known it takes no part in the loss.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from redactlib.layers import INK, LayerSettings
from redactlib.layers import INK_DARKNESS as DARK
from redactlib.reading import NeuralReader, PageText, read_page
from redactlib.scan import Scan, open_scans
from redactlib.synth import draw_pages
from redactlib.training.ink_pages import (
    Crop,
    CropSettings,
    Snippet,
    TrainingPage,
    drawn_page,
    harvest,
    load_pages,
    make_crop,
    page_weights,
)
from redactlib.training.networks import descend, double, go_on_from, to_onnx, write


def _conv(inputs: int, outputs: int, *, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, dilation, dilation, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


class InkNet(nn.Module):
    """Darkness ``(n, 1, h, w)`` in 0..1 to logits: ink ``(n, 5, h/2, w/2)``, brackets ``(n, 4, h/4, w/4)``.

    The bracket maps are heat of opening, heat of closing, and the logarithms of width and height over
    ``LayerSettings.unit_px``. Skips are added, not stacked, which halves the cost of the finest level.
    """

    def __init__(self, channels: tuple[int, int, int, int] = (24, 48, 80, 112)) -> None:
        super().__init__()
        a, b, c, d = channels
        self.down1 = nn.Sequential(nn.PixelUnshuffle(4), _conv(16, a), _conv(a, a))
        self.down2 = nn.Sequential(_conv(a, b, stride=2), _conv(b, b))
        self.down3 = nn.Sequential(_conv(b, c, stride=2), _conv(c, c))
        self.down4 = nn.Sequential(_conv(c, d, stride=2), _conv(d, d, dilation=2))
        self.lift3, self.lift2, self.lift1 = nn.Conv2d(d, c, 1), nn.Conv2d(c, b, 1), nn.Conv2d(b, a, 1)
        self.up3, self.up2 = _conv(c, c), _conv(b, b)
        self.up1 = nn.Sequential(_conv(a, a), _conv(a, a))
        self.ink = nn.Sequential(nn.Conv2d(a, 4 * len(INK), 1), nn.PixelShuffle(2))
        self.bracket = nn.Conv2d(a, 4, 1)
        bias = torch.tensor([-4.0, -4.0, 0.0, 0.0])  # brackets are rare: begin by finding none
        self.bracket.bias = nn.Parameter(bias)

    def forward(self, dark: Tensor) -> tuple[Tensor, Tensor]:
        fine = self.down1(dark)
        middle = self.down2(fine)
        coarse = self.down3(middle)
        up = double(self.lift3(self.down4(coarse)))
        up = double(self.lift2(self.up3(coarse + up)))
        up = double(self.lift1(self.up2(middle + up)))
        up = self.up1(fine + up)
        return self.ink(up), self.bracket(up)


@dataclass(frozen=True)
class TrainSettings:
    """How long and how the network is trained."""

    steps: int = 6000
    batch: int = 6
    rate: float = 2.5e-3
    decay: float = 1e-3
    blank_weight: float = 0.03  # blank paper teaches little, but the maps should be quiet there
    dice_weight: float = 0.5
    bracket_weight: float = 2.5
    seed: int = 0
    minutes: float = 1e9  # stop after this time, with the rate brought down in time for it


def targets(crops: Sequence[Crop]) -> tuple[np.ndarray, ...]:
    """Stack crops: darkness, ink truth and weights at 1/2, bracket maps and where they are judged at 1/4."""
    dark = np.stack([c.dark for c in crops])[:, None].astype(np.float32) / 255
    truth, weight, heat, size, judged = [], [], [], [], []
    for crop in crops:
        ink = (crop.dark > DARK).astype(np.uint8)
        bits = _pool(np.where(ink, crop.truth, 0).astype(np.uint8))
        open_bits, inked = _pool(np.where(ink, crop.unknown, 0).astype(np.uint8)), _pool(ink)
        planes = np.arange(len(INK))[:, None, None]
        truth.append(bits >> planes & 1)
        weight.append(np.where(open_bits >> planes & 1, 0.0, np.where(inked, 1.0, TrainSettings.blank_weight)))
        maps = bracket_maps(crop.brackets, crop.dark.shape[0])
        heat.append(maps[0])
        size.append(maps[1])
        judged.append(cv2.resize(crop.judged.astype(np.float32), maps[0].shape[1:], interpolation=cv2.INTER_AREA) >= 1)
    return (
        dark,
        np.stack(truth).astype(np.float32),
        np.stack(weight).astype(np.float32),
        np.stack(heat),
        np.stack(size),
        np.stack(judged)[:, None].astype(np.float32),
    )


def _pool(bits: np.ndarray) -> np.ndarray:
    return bits[::2, ::2] | bits[1::2, ::2] | bits[::2, 1::2] | bits[1::2, 1::2]


def bracket_maps(brackets: Sequence[Sequence[float]], size_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Heat ``(2, s, s)`` and log sizes ``(2, s, s)`` at a quarter of the resolution."""
    side = size_px // 4
    heat, size = np.zeros((2, side, side), np.float32), np.zeros((2, side, side), np.float32)
    ys, xs = np.mgrid[:side, :side]
    for x0, y0, x1, y1, which in brackets:
        cx, cy = (x0 + x1) / 8 - 0.5, (y0 + y1) / 8 - 0.5
        sx, sy = max(0.9, (x1 - x0) / 4 / 7), max(0.9, (y1 - y0) / 4 / 7)
        blob = np.exp(-((xs - cx) ** 2) / (2 * sx**2) - (ys - cy) ** 2 / (2 * sy**2))
        row, column = int(np.clip(round(cy), 0, side - 1)), int(np.clip(round(cx), 0, side - 1))
        blob[row, column] = 1
        closest = blob > heat.max(0)
        np.maximum(heat[int(which)], blob, out=heat[int(which)])
        unit = LayerSettings.unit_px
        size[:, closest] = np.log(np.maximum([x1 - x0, y1 - y0], 1) / unit)[:, None]
    return heat, size


def loss_of(outputs: tuple[Tensor, Tensor], batch: Sequence[Tensor], settings: TrainSettings) -> Tensor:
    """Cross entropy and dice of the ink, focal loss and size of the brackets, over what is known."""
    ink, bracket = outputs
    truth, weight, heat, size, judged = batch
    entropy = functional.binary_cross_entropy_with_logits(ink, truth, weight, reduction="sum") / weight.sum().clamp(
        min=1
    )
    chance = torch.sigmoid(ink)
    sure = (weight >= 0.5).float()
    overlap = (chance * truth * sure).sum((0, 2, 3))
    mass = ((chance + truth) * sure).sum((0, 2, 3))
    dice = (1 - (2 * overlap + 50) / (mass + 50)).mean()
    hot = torch.sigmoid(bracket[:, :2])
    peak = (heat >= 0.999).float() * judged
    log_hot, log_cold = functional.logsigmoid(bracket[:, :2]), functional.logsigmoid(-bracket[:, :2])
    focal = -(peak * (1 - hot) ** 2 * log_hot + (1 - peak) * judged * (1 - heat) ** 4 * hot**2 * log_cold)
    near = heat.amax(1, keepdim=True) * judged
    extent = (near * (bracket[:, 2:] - size).abs()).sum() / near.sum().clamp(min=1)
    brackets = focal.sum() / peak.sum().clamp(min=4) + 0.3 * extent
    return entropy + settings.dice_weight * dice + settings.bracket_weight * 0.1 * brackets


def train(
    pages: Sequence[TrainingPage],
    *,
    settings: TrainSettings = TrainSettings(),
    crops: CropSettings = CropSettings(),
    start: InkNet | None = None,
    settled: bool = False,
    log: Path | None = None,
    snippets: Sequence[Snippet] | None = None,
) -> tuple[InkNet, list[float]]:
    """Train a network, from `start` if given; also returns the loss of every step.

    Where `settled`, its normalisations stay as they are.
    """
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    snippets = harvest(pages) if snippets is None else snippets
    weights = page_weights(pages, crops)
    net = start or InkNet()
    losses = descend(
        net,
        lambda: targets([make_crop(pages, weights, snippets, rng, crops) for _ in range(settings.batch)]),
        lambda outputs, truth: loss_of(outputs, truth, settings),
        rate=settings.rate,
        decay=settings.decay,
        steps=settings.steps,
        minutes=settings.minutes,
        settled=settled,
        log=log,
    )
    return net, losses


class _Probabilities(nn.Module):
    """The network with probabilities, its folding and unfolding as plain convolutions: OpenCV reads those rightly."""

    def __init__(self, net: InkNet) -> None:
        super().__init__()
        self.net = copy.deepcopy(net)
        fold, unfold = nn.Conv2d(1, 16, 4, 4, bias=False), nn.ConvTranspose2d(4 * len(INK), len(INK), 2, 2, bias=False)
        fold.weight.data = torch.eye(16).reshape(16, 1, 4, 4)
        unfold.weight.data = torch.eye(4).reshape(4, 1, 2, 2).repeat(len(INK), 1, 1, 1) * torch.eye(
            len(INK)
        ).repeat_interleave(4, 0).reshape(-1, len(INK), 1, 1)
        self.net.down1[0], self.net.ink[1] = fold, unfold

    def forward(self, dark: Tensor) -> tuple[Tensor, Tensor]:
        ink, bracket = self.net(dark)
        return torch.sigmoid(ink), torch.cat([torch.sigmoid(bracket[:, :2]), bracket[:, 2:]], 1)


def export(net: InkNet) -> bytes:
    """The network as ONNX: input ``dark``, outputs ``ink`` and ``bracket``, any height and width of whole cells."""
    return to_onnx(_Probabilities(net), {"ink": ("h2", "w2"), "bracket": ("h4", "w4")})


def rebuild(
    scans: Path,
    out: Path,
    *,
    fonts: Path | None = None,
    minutes: float = 60.0,
    fold: int | None = None,
    start: Path | None = None,
    drawn: int = 70,
) -> None:
    """Train the shipped model from a folder of scans and drawn pages, and write it with its weights beside it.

    Args:
        scans: holds ``labelled`` and ``unlabelled``.
        out: the ONNX file; the weights go to the same name with ``.npz``.
        fonts: type faces of the drawn pages.
        minutes: how long to train.
        fold: the half of the documents to leave out (:func:`fold_of`), or ``None`` for the model that ships.
        start: weights (``.npz``) or a model (``.onnx``) to go on from.
        drawn: how many pages to draw.
    """
    pages = [page for page in load_pages(scans, page_reader()) if fold is None or fold_of(page.name) != fold]
    pages += [drawn_page(page) for page in draw_pages(drawn, seed=7, dpi=150, fonts=fonts)]
    net = InkNet()
    rate_share, settled = go_on_from(net, start)
    settings = TrainSettings(steps=10**9, minutes=minutes, rate=rate_share * TrainSettings.rate)
    net, _ = train(pages, settings=settings, start=net, settled=settled, log=out.with_suffix(".log"))
    write(net, export(net), out)


def page_reader() -> Callable[[Path], tuple[Scan, PageText]]:
    """Opens an image of one page and reads its lines."""
    reader = NeuralReader()

    def read(path: Path) -> tuple[Scan, PageText]:
        scan = next(iter(open_scans(path)))
        return scan, read_page(scan.grey, reader)

    return read


def fold_of(document: str) -> int:
    """The half, 0 or 1, that a document belongs to when figures are measured.

    >>> fold_of("124-10273-10070")
    0
    """
    return int(hashlib.sha1(document.encode()).hexdigest(), 16) % 2
