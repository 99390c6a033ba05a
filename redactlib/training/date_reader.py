"""The date recogniser: a small convolutional network with CTC (Graves et al. 2006), on drawn lines, then real ones.

It has no recurrence: two one-dimensional convolutions look about one figure to either side, so that it learns pens and
not the calendar, which the grammar of :mod:`redactlib.dates` knows better.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import torch
from torch import nn

from redactlib.datelines import CHARACTERS, LINE_HEIGHT_PX
from redactlib.reading import NeuralReader, PageText, read_page
from redactlib.scan import Scan, open_scans
from redactlib.synth.fonts import find_fonts
from redactlib.training.date_lines import LineSources, draw_line, read_digits
from redactlib.training.date_truth import LINE_WIDTH_MAX_PX, stamp_lines, typed_lines
from redactlib.training.ink import fold_of

Line = tuple[np.ndarray, str]
"""A grey line, uint8 ``(LINE_HEIGHT_PX, w)``, and what it says in :data:`redactlib.datelines.CHARACTERS`."""

STEP_PX = 4
"""Width of one lattice step on the line."""


def _conv(
    inputs: int, outputs: int, kernel: int | tuple[int, int], *, stride: int = 1, pad: int | tuple[int, int] = 1
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, pad, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class DateNet(nn.Module):
    """Darkness ``(n, 1, LINE_HEIGHT_PX, w)`` in 0..1 to logits ``(n, w / STEP_PX, 1 + len(CHARACTERS))``."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            _conv(1, 16, 5, stride=2, pad=2),
            _conv(16, 32, 3, stride=2),
            _conv(32, 64, 3),
            nn.MaxPool2d((2, 1)),
            _conv(64, 96, 3),
            nn.MaxPool2d((2, 1)),
            _conv(96, 128, 3, pad=(0, 1)),
        )
        self.context = nn.ModuleList(_conv(128, 128, (1, 5), pad=(0, 2)) for _ in range(2))
        self.dropout = nn.Dropout(0.1)
        self.out = nn.Conv2d(128, 1 + len(CHARACTERS), 1)

    def forward(self, darkness: torch.Tensor) -> torch.Tensor:
        x = self.features(darkness)
        for layer in self.context:
            x = x + layer(x)
        return self.out(self.dropout(x)).squeeze(2).transpose(1, 2)


def fit(
    net: DateNet,
    lines: Callable[[np.random.Generator, int], Sequence[Line]],
    *,
    steps: int,
    rate: float,
    seed: int = 0,
    batch: int = 32,
    report: Callable[[int, float], None] = lambda step, loss: None,
) -> None:
    """Train in place on ``lines(rng, n)``, drawn anew for every four steps and batched by width.

    Args:
        net: what is trained.
        lines: gives ``n`` lines.
        steps: updates.
        rate: peak learning rate of the one-cycle schedule.
        seed: of the draw.
        batch: lines an update.
        report: told the step and the mean loss now and then.
    """
    rng = np.random.default_rng(seed)
    optimiser = torch.optim.AdamW(net.parameters(), rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps, pct_start=0.1)
    losses: list[float] = []
    net.train().to(memory_format=torch.channels_last)
    for step, (darkness, targets, widths, lengths) in enumerate(_batches(lines, rng, steps, batch)):
        logs = net(darkness.contiguous(memory_format=torch.channels_last)).log_softmax(2).transpose(0, 1)
        loss = nn.functional.ctc_loss(logs, targets, widths, lengths, zero_infinity=True)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
        if step % 50 == 49:
            report(step + 1, float(np.mean(losses[-50:])))
    net.eval()


def _batches(
    lines: Callable[[np.random.Generator, int], Sequence[Line]], rng: np.random.Generator, steps: int, batch: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]]:
    waiting: list[list[Line]] = []
    for _ in range(steps):
        if not waiting:
            drawn = sorted(lines(rng, 4 * batch), key=lambda line: line[0].shape[1])
            waiting = [drawn[i : i + batch] for i in range(0, len(drawn), batch)]
        chosen = [(_jittered(image, rng), text) for image, text in waiting.pop(int(rng.integers(len(waiting))))]
        width = -(-max(image.shape[1] for image, _ in chosen) // 16) * 16
        darkness = np.zeros((len(chosen), 1, LINE_HEIGHT_PX, width), np.float32)
        for row, (image, _) in enumerate(chosen):
            darkness[row, 0, :, : image.shape[1]] = 1 - image.astype(np.float32) / 255
        codes = [[CHARACTERS.index(c) + 1 for c in text if c in CHARACTERS] for _, text in chosen]
        steps_of = [min(width, image.shape[1] + STEP_PX) // STEP_PX for image, _ in chosen]
        yield (
            torch.from_numpy(darkness),
            torch.tensor([c for code in codes for c in code], dtype=torch.long),
            torch.tensor(steps_of, dtype=torch.long),
            torch.tensor([len(code) for code in codes], dtype=torch.long),
        )


def _jittered(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The line stretched, sheared and shifted a little, so that no two epochs see the same."""
    height, width = image.shape
    stretch_x, stretch_y, shear = rng.uniform(0.85, 1.18), rng.uniform(0.88, 1.1), rng.normal(0, 0.08)
    shift = rng.uniform(-0.06, 0.06) * height + (1 - stretch_y) * height / 2
    matrix = np.array([[stretch_x, shear, -shear * height / 2], [0, stretch_y, shift]], np.float32)
    edge = int(np.median(image))
    return cv2.warpAffine(image, matrix, (round(width * stretch_x), height), borderValue=edge)


def rebuild(
    scans: Path,
    out: Path,
    *,
    digits: Path | None = None,
    hands: Path | None = None,
    fold: int | None = None,
    drawn: int = 22_000,
    steps: int = 1600,
    real_steps: int = 600,
) -> None:
    """Train the shipped model: on drawn and typed lines, then on these and the stamp fills that it can now align.

    Args:
        scans: holds ``labelled`` and ``unlabelled``.
        out: the ONNX file.
        digits: folder of MNIST's idx files; without it all figures are pen strokes.
        hands: folder of handwriting fonts (.ttf or .woff).
        fold: the half of the documents to leave out (:func:`redactlib.training.ink.fold_of`), or ``None``.
        drawn: how many lines to draw.
        steps, real_steps: updates of the two stages.
    """
    reader = NeuralReader()

    def read(path: Path) -> tuple[Scan, PageText]:
        scan = next(iter(open_scans(path)))
        return scan, read_page(scan.grey, reader)

    faces = find_fonts()
    handwriting = sorted(str(f) for f in hands.iterdir() if f.suffix in (".ttf", ".woff")) if hands else []
    sources = LineSources(read_digits(digits) if digits else [], handwriting, (*faces.typewriter, *faces.sans))
    rng = np.random.default_rng(1000)
    pool = [line for line in (draw_line(rng, sources) for _ in range(drawn)) if line[0].shape[1] <= LINE_WIDTH_MAX_PX]
    typed = list(typed_lines(scans, read))
    net = DateNet()
    fit(net, _mixture((pool, 5), (typed, 1)), steps=steps, rate=2e-3, seed=7)
    fills = [(line, text) for name, line, text in stamp_lines(scans, net, reader, read) if fold_of(name) != fold]
    numbers = [line for line in fills if any(c.isdigit() for c in line[1])]
    fit(net, _mixture((pool, 4), (typed, 1), (numbers, 2), (fills, 1)), steps=real_steps, rate=1e-3, seed=11)
    out.write_bytes(to_onnx(net))


def _mixture(*shares: tuple[Sequence[Line], int]) -> Callable[[np.random.Generator, int], Sequence[Line]]:
    """Draws lines from several lists, by their shares."""
    filled = [(lines, share) for lines, share in shares if lines]
    odds = np.array([share for _, share in filled], float)

    def draw(rng: np.random.Generator, n: int) -> Sequence[Line]:
        kinds = rng.choice(len(filled), n, p=odds / odds.sum())
        return [filled[k][0][int(rng.integers(len(filled[k][0])))] for k in kinds]

    return draw


def to_onnx(net: DateNet) -> bytes:
    """The trained network as an ONNX file: ``line`` ``(n, 1, 48, w)`` to ``logits``."""
    buffer: Any = io.BytesIO()  # torch takes a file, whatever its annotations say
    net.eval()
    torch.onnx.export(
        net,
        (torch.zeros(1, 1, LINE_HEIGHT_PX, 160),),
        buffer,
        input_names=["line"],
        output_names=["logits"],
        dynamic_axes={"line": {0: "n", 3: "w"}, "logits": {0: "n", 1: "t"}},
        dynamo=False,
    )
    model = onnx.load_from_string(buffer.getvalue())
    onnx.checker.check_model(model)
    return model.SerializeToString()
