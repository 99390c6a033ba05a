"""The date recogniser: a small convolutional network with CTC (Graves et al. 2006), on drawn lines, then real ones.

Beside the line's picture it sees what the general recogniser makes of it, whose mistakes with pens it learns to mend.
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

from redactlib.datelines import CHARACTERS, LINE_HEIGHT_PX, STEP_PX, as_guess
from redactlib.reading import ALPHABET, NeuralReader, PageText, Reader, read_page
from redactlib.scan import Scan, open_scans
from redactlib.synth.fonts import find_fonts
from redactlib.training.date_lines import LineSources, draw_line, read_digits, spoil
from redactlib.training.date_stamps import stamp_crops
from redactlib.training.date_truth import LINE_WIDTH_MAX_PX, noted_lines, stamp_lines, typed_lines
from redactlib.training.ink import fold_of
from redactlib.training.networks import in_bfloat

Line = tuple[np.ndarray, str, np.ndarray | None]
"""A grey line, uint8 ``(LINE_HEIGHT_PX, w)``, what it says in :data:`redactlib.datelines.CHARACTERS`, and the general
recogniser's lattice of it."""


def _conv(
    inputs: int, outputs: int, kernel: int | tuple[int, int], *, stride: int = 1, pad: int | tuple[int, int] = 1
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, pad, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class DateNet(nn.Module):
    """Reads a line from its picture and from what the general recogniser says of it.

    Takes darkness ``(n, 1, LINE_HEIGHT_PX, w)`` in 0..1 and the guess ``(n, 1 + len(ALPHABET), ceil(w / STEP_PX))`` of
    :func:`redactlib.datelines.as_guess`, gives logits ``(n, ceil(w / STEP_PX), 1 + len(CHARACTERS))``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            _conv(1, 16, 5, stride=2, pad=2),
            _conv(16, 32, 3, stride=2),
            _conv(32, 64, 3),
            nn.MaxPool2d((2, 1)),
            _conv(64, 112, 3),
            nn.MaxPool2d((2, 1)),
            _conv(112, 160, 3, pad=(0, 1)),
        )
        self.other = nn.Sequential(
            nn.Conv1d(1 + len(ALPHABET), 96, 3, padding=1, bias=False), nn.BatchNorm1d(96), nn.ReLU(inplace=True),
            nn.Conv1d(96, 128, 3, padding=1, bias=False), nn.BatchNorm1d(128), nn.ReLU(inplace=True),
        )  # fmt: skip
        self.merge = nn.Sequential(nn.Conv2d(288, 160, (1, 3), 1, (0, 1), bias=False), nn.BatchNorm2d(160))
        self.context = nn.ModuleList(_conv(160, 160, (1, 5), pad=(0, 2)) for _ in range(3))
        self.dropout = nn.Dropout(0.1)
        self.out = nn.Conv2d(160, 1 + len(CHARACTERS), 1)

    def forward(self, darkness: torch.Tensor, guess: torch.Tensor) -> torch.Tensor:
        x = self.features(darkness)
        x = x + self.merge(torch.cat([x, self.other(guess).unsqueeze(2)], 1))
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
    batch: int = 48,
    report: Callable[[int, float], None] = lambda step, loss: None,
) -> None:
    """Train in place on ``lines(rng, n)``, drawn anew for every eight steps, varied and batched by width.

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
    optimiser = torch.optim.AdamW(net.parameters(), rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps, pct_start=0.1)
    losses: list[float] = []
    net.train().to(memory_format=torch.channels_last)
    for step, (darkness, guess, targets, widths, lengths) in enumerate(_batches(lines, rng, steps, batch)):
        with in_bfloat():
            logits = net(darkness.contiguous(memory_format=torch.channels_last), guess)
        logs = logits.float().log_softmax(2).transpose(0, 1)
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
) -> Iterator[tuple[torch.Tensor, ...]]:
    """Darkness, guess, all texts' codes in a row, lattice steps and length of the text of each line."""
    waiting: list[list[Line]] = []
    for _ in range(steps):
        if not waiting:
            varied = (_varied(line, rng) for line in lines(rng, 8 * batch))
            drawn = sorted(varied, key=lambda line: line[0].shape[1])
            waiting = [drawn[i : i + batch] for i in range(0, len(drawn), batch)]
        chosen = waiting.pop(int(rng.integers(len(waiting))))
        width = -(-max(image.shape[1] for image, _, _ in chosen) // 16) * 16
        darkness = np.zeros((len(chosen), 1, LINE_HEIGHT_PX, width), np.float32)
        guess = np.zeros((len(chosen), 1 + len(ALPHABET), width // STEP_PX), np.float32)
        steps_of = [-(-image.shape[1] // STEP_PX) for image, _, _ in chosen]
        for row, (image, _, lattice) in enumerate(chosen):
            darkness[row, 0, :, : image.shape[1]] = 1 - image / np.float32(255)
            guess[row, :, : steps_of[row]] = as_guess(lattice, steps_of[row])
        codes = [[CHARACTERS.index(c) + 1 for c in text if c in CHARACTERS] for _, text, _ in chosen]
        yield (
            torch.from_numpy(darkness),
            torch.from_numpy(guess),
            torch.tensor([c for code in codes for c in code], dtype=torch.long),
            torch.tensor(steps_of, dtype=torch.long),
            torch.tensor([len(code) for code in codes], dtype=torch.long),
        )


_UNTOLD = 0.1  # share of the lines whose guess is kept back, so that the network also reads alone


def _varied(line: Line, rng: np.random.Generator) -> Line:
    """A line stretched, moved, thickened, thinned, blurred or broken a little, and its guess stretched alike."""
    image, text, lattice = line
    varied, paper = _jittered(image, rng), int(np.median(image))
    if varied.shape[1] > LINE_WIDTH_MAX_PX + 20:
        varied = image
    change = rng.random()
    if change < 0.12:
        varied = cv2.erode(varied, np.ones((2, 2), np.uint8))
    elif change < 0.2:
        varied = cv2.dilate(varied, np.ones((2, 2), np.uint8))
    elif change < 0.28:
        varied = cv2.GaussianBlur(varied, (0, 0), float(rng.uniform(0.5, 1.0)))
    if rng.random() < 0.15:
        rough: np.ndarray = np.asarray(rng.standard_normal(varied.shape), np.float32)
        rough = cv2.GaussianBlur(rough, (0, 0), float(rng.uniform(0.6, 1.6)))
        varied = np.where(rough / rough.std() > rng.uniform(1.3, 2.2), np.uint8(paper), varied)
    if lattice is None or rng.random() < _UNTOLD:
        return varied, text, None
    steps = -(-varied.shape[1] // (2 * STEP_PX))  # the general recogniser's are twice as long
    places = (np.arange(steps) + 0.5) * len(lattice) / steps
    return varied, text, lattice[np.minimum(places.astype(int), len(lattice) - 1)]


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
    fonts: Path | None = None,
    drawn: int = 44_000,
    stamps: int = 2_800,
    steps: int = 6300,
    stamp_steps: int = 2550,
    real_steps: int = 1350,
) -> None:
    """Train the shipped model: on drawn and typed lines, on drawn stamps, on the real fills that it can now align.

    Args:
        scans: holds ``labelled`` and ``unlabelled``.
        out: the ONNX file.
        digits: folder of MNIST's idx files; without it all figures are pen strokes.
        hands: folder of handwriting fonts (.ttf or .woff).
        fold: the half of the documents to leave out (:func:`redactlib.training.ink.fold_of`), or ``None``.
        fonts: type faces of the drawn stamps.
        drawn, stamps: how many lines and how many stamps to draw.
        steps, stamp_steps, real_steps: updates of the three stages.
    """
    reader = NeuralReader()

    def read(path: Path) -> tuple[Scan, PageText]:
        scan = next(iter(open_scans(path)))
        return scan, read_page(scan.grey, reader)

    faces = find_fonts()
    handwriting = sorted(str(f) for f in hands.iterdir() if f.suffix in (".ttf", ".woff")) if hands else []
    sources = LineSources(read_digits(digits) if digits else [], handwriting, (*faces.typewriter, *faces.sans))
    rng = np.random.default_rng(1000)
    typed = list(typed_lines(scans, read))
    print_ = [image for image, _ in typed]
    pool = [line for line in (draw_line(rng, sources) for _ in range(drawn)) if line[0].shape[1] <= LINE_WIDTH_MAX_PX]
    pool_told = told([(spoil(_jittered(image, rng), rng, print_), text) for image, text in pool], reader)
    typed_told = told(typed, reader)
    net = DateNet()
    fit(net, _mixture((pool_told, 12), (typed_told, 1)), steps=steps, rate=2.2e-3, seed=7)
    cut_out = list(stamp_crops(net, reader, stamps=stamps, seed=9001, fonts=fonts))
    mixture = _mixture((cut_out, 11), (pool_told, 8), (typed_told, 1))
    fit(net, mixture, steps=stamp_steps, rate=1.2e-3, seed=23)
    found = [*stamp_lines(scans, net, reader, read), *noted_lines(scans)]
    fills = [(line, text) for name, line, text in found if fold_of(name) != fold]
    varied = [(spoil(_jittered(line, rng), rng, print_), text) for line, text in fills for _ in range(2)]
    numbers, words = (
        told([line for line in [*fills, *varied] if any(c.isdigit() for c in line[1]) is with_figures], reader)
        for with_figures in (True, False)
    )
    mixture = _mixture((pool_told, 5), (cut_out, 8), (typed_told, 1), (numbers, 4), (words, 1))
    fit(net, mixture, steps=real_steps, rate=8e-4, seed=31)
    out.write_bytes(to_onnx(net))


def told(lines: Sequence[tuple[np.ndarray, str]], reader: Reader) -> list[Line]:
    """The lines with what the general recogniser makes of each."""
    guesses = reader.read([image for image, _ in lines], careful=True)
    return [(image, text, guess.lattice) for (image, text), guess in zip(lines, guesses, strict=True)]


def _mixture(*shares: tuple[Sequence[Line], int]) -> Callable[[np.random.Generator, int], Sequence[Line]]:
    """Draws lines from several lists, by their shares."""
    filled = [(lines, share) for lines, share in shares if lines]
    odds = np.array([share for _, share in filled], float)

    def draw(rng: np.random.Generator, n: int) -> Sequence[Line]:
        kinds = rng.choice(len(filled), n, p=odds / odds.sum())
        return [filled[k][0][int(rng.integers(len(filled[k][0])))] for k in kinds]

    return draw


def to_onnx(net: DateNet) -> bytes:
    """The trained network as an ONNX file: ``line`` ``(n, 1, 48, w)`` and ``guess`` to ``logits``."""
    buffer: Any = io.BytesIO()  # torch takes a file, whatever its annotations say
    net.eval()
    torch.onnx.export(
        net,
        (torch.zeros(1, 1, LINE_HEIGHT_PX, 160), torch.zeros(1, 1 + len(ALPHABET), 160 // STEP_PX)),
        buffer,
        input_names=["line", "guess"],
        output_names=["logits"],
        dynamic_axes={"line": {0: "n", 3: "w"}, "guess": {0: "n", 2: "t"}, "logits": {0: "n", 1: "t"}},
        dynamo=False,
    )
    model = onnx.load_from_string(buffer.getvalue())
    onnx.checker.check_model(model)
    return model.SerializeToString()
