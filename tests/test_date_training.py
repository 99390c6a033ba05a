"""Training of the date recogniser: lines drawn as they stand in stamps, varied with what was read of them."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs PyTorch: pip install redactlib[training]")

from redactlib.datelines import CHARACTERS, LINE_HEIGHT_PX, STEP_PX
from redactlib.reading import ALPHABET, NeuralReader
from redactlib.synth.fonts import find_fonts
from redactlib.training.date_lines import LineSources, draw_line
from redactlib.training.date_reader import DateNet, _varied, fit
from redactlib.training.date_stamps import DrawnStampSettings, _texts, stamp_crops

Told = tuple[np.ndarray, str, np.ndarray | None]


@pytest.fixture(scope="module")
def lines() -> list[tuple[np.ndarray, str]]:
    faces = find_fonts()
    sources = LineSources([], [], (*faces.typewriter, *faces.sans))
    rng = np.random.default_rng(4)
    return [draw_line(rng, sources) for _ in range(60)]


def test_drawn_lines_say_only_what_the_recogniser_can_and_some_hold_a_stamps_own_words(
    lines: list[tuple[np.ndarray, str]],
) -> None:
    assert all(image.shape[0] == LINE_HEIGHT_PX and image.dtype == np.uint8 for image, _ in lines)
    assert set("".join(text for _, text in lines)) <= set(CHARACTERS)
    assert any("NARA" in text or "REVIEW" in text or "FPC/HDR" in text for _, text in lines)


def test_what_was_read_of_a_line_is_stretched_with_it() -> None:
    image = np.full((LINE_HEIGHT_PX, 160), 255, np.uint8)
    lattice = np.zeros((20, 1 + len(ALPHABET)), np.float32)
    lattice[:, 0] = 1.0
    rng = np.random.default_rng(0)
    widths = []
    for _ in range(20):
        varied, text, guess = _varied((image, "4/6/88", lattice), rng)
        assert text == "4/6/88"
        widths.append(varied.shape[1])
        assert guess is None or len(guess) == -(-varied.shape[1] // (2 * STEP_PX))
    assert min(widths) < 150 < 170 < max(widths)


def test_drawn_stamps_give_lines_with_what_the_pen_wrote_and_words_beside_it() -> None:
    taken = list(stamp_crops(DateNet().eval(), NeuralReader(), stamps=3, settings=DrawnStampSettings(cost_max=99.0)))
    assert len(taken) > 3
    assert all(image.shape[0] == LINE_HEIGHT_PX and guess is not None for image, _, guess in taken)
    assert all(sum(map(str.isdigit, text)) >= 2 and set(text) <= set(CHARACTERS) for _, text, _ in taken)
    assert _texts("4/6/88", ["DECLASSIFIED", "BY JW DATE 4/6/88"]) == [
        "4/6/88", "BY JW DATE 4/6/88", "DATE 4/6/88", "JW DATE 4/6/88"
    ]  # fmt: skip
    assert _texts("4/6/88", ["DECLASSIFIED"]) == []


def test_a_few_updates_bring_the_loss_down(lines: list[tuple[np.ndarray, str]]) -> None:
    short: list[Told] = [(image, text, None) for image, text in lines if image.shape[1] < 200]
    losses: list[float] = []
    fit(
        DateNet(),
        lambda rng, n: [short[i] for i in rng.integers(0, len(short), n)],
        steps=100,
        rate=1e-3,
        batch=4,
        report=lambda _, loss: losses.append(loss),
    )
    assert losses[-1] < losses[0]
