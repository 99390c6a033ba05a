"""The ink model's training: a tiny run on drawn pages learns, and what is exported says the same as PyTorch."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch: pip install redactlib[training]")
pytest.importorskip("sklearn", reason="training needs scikit-learn: pip install redactlib[training]")

from redactlib.detect.judge import PARTS, Forest  # noqa: E402
from redactlib.layers import LayerSettings, load_network, shipped_network  # noqa: E402
from redactlib.reading import NeuralReader, PageText, Reading, read_page, text_line  # noqa: E402
from redactlib.scan import Scan  # noqa: E402
from redactlib.synth import draw_pages  # noqa: E402
from redactlib.training import ink_pages  # noqa: E402
from redactlib.training.ink import InkNet, TrainSettings, bracket_maps, export, train  # noqa: E402
from redactlib.training.ink_pages import (  # noqa: E402
    PEN,
    PRINT,
    Crop,
    CropSettings,
    TrainingPage,
    drawn_page,
    harvest,
    make_crop,
    page_weights,
)
from redactlib.training.judges import (  # noqa: E402
    Examples,
    ForestSettings,
    JudgeSettings,
    bracket_examples,
    drawn_drafts,
    fit,
    grow,
    joined,
    save,
)
from redactlib.training.labels import document_of  # noqa: E402
from redactlib.training.networks import go_on_from  # noqa: E402


@pytest.fixture(scope="module")
def pages() -> list[TrainingPage]:
    return [drawn_page(page) for page in draw_pages(3, seed=5, dpi=100)]


@pytest.fixture(scope="module")
def trained(pages: list[TrainingPage]) -> tuple[InkNet, list[float]]:
    torch.set_num_threads(1)
    settings = TrainSettings(steps=40, batch=2, rate=2e-2)
    crops = CropSettings(size_px=128, pasted_max=1, brackets_max=1, strikes_max=1, dirt_share=0.0)
    return train(pages, settings=settings, crops=crops, start=InkNet((8, 8, 8, 8)))


def test_loss_falls_within_seconds(trained: tuple[InkNet, list[float]]) -> None:
    _, losses = trained
    assert np.mean(losses[-10:]) < 0.85 * np.mean(losses[:10])


def test_exported_model_agrees_with_pytorch(trained: tuple[InkNet, list[float]], pages: list[TrainingPage]) -> None:
    net, _ = trained
    dark = pages[0].dark[:192, :160].astype(np.float32)[None, None] / 255
    with torch.no_grad():
        ink, bracket = net(torch.from_numpy(dark))
    got_ink, got_bracket = load_network(export(net))(dark)
    assert np.allclose(got_ink, torch.sigmoid(ink[0]).numpy(), atol=1e-4)
    assert np.allclose(got_bracket[:2], torch.sigmoid(bracket[0, :2]).numpy(), atol=1e-4)
    assert np.allclose(got_bracket[2:], bracket[0, 2:].numpy(), atol=1e-4)


def test_same_seed_gives_the_same_crop(pages: list[TrainingPage]) -> None:
    snippets, weights = harvest(pages), page_weights(pages)
    one, other = (make_crop(pages, weights, snippets, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(one.dark, other.dark)
    assert np.array_equal(one.truth, other.truth)


def test_a_drawn_page_knows_print_from_pen(pages: list[TrainingPage]) -> None:
    truth = np.bitwise_or.reduce([np.bitwise_or.reduce(page.truth, axis=None) for page in pages])
    assert truth & PRINT
    assert truth & PEN


@pytest.mark.parametrize("kind", ["blot", "under"])
def test_what_runs_along_a_whole_line_is_pen_from_end_to_end(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ink_pages, "KINDS_P", [float(k == kind) for k in ink_pages.KINDS])
    monkeypatch.setattr(ink_pages, "WHOLE_LINE", 1.0)
    dark = np.zeros((384, 384), np.uint8)
    crop = Crop(dark, np.zeros_like(dark), np.zeros_like(dark), np.zeros(dark.shape, bool))
    ink_pages.draw_strike(crop, (40, 90, 340, 112), np.random.default_rng(1))
    pen = crop.truth & PEN > 0
    assert pen[:, 40:340].any(0).mean() > 0.97
    covered = pen[92:110, 40:340].mean()
    assert covered > 0.6 if kind == "blot" else covered < 0.2


def test_an_underline_in_a_line_of_type_is_known_for_pen(tmp_path: Path) -> None:
    image = np.full((400, 800), 255, np.uint8)
    cv2.putText(image, "was a little question", (100, 200), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 0, 2)
    cv2.line(image, (100, 212), (500, 216), 0, 3)
    mark = {"kind": "handwriting", "role": "mark", "box": [96, 198, 504, 220]}
    (tmp_path / "page.truth.json").write_text(json.dumps({"marks": [mark]}))
    corners = np.array([(95, 165), (520, 165), (520, 222), (95, 222)], np.float32)
    text = PageText((text_line(corners, Reading("was a little question", 0.95)),))
    page = ink_pages.prepare(tmp_path / "page.png", Scan(image, 128.0), text, LayerSettings())
    line, letters = page.dark[210:219, 110:490] > 110, page.dark[199:204, 110:490] > 110
    known = (page.truth & PEN > 0) & (page.unknown & PEN == 0)
    assert known[210:219, 110:490][line].mean() > 0.9
    assert not known[199:204, 110:490][letters].any()


def test_heat_is_one_at_the_centre_of_a_bracket_and_its_size_is_kept() -> None:
    heat, size = bracket_maps([(32, 16, 64, 80, 1)], 128)
    assert heat[1, 12, 12] == 1
    assert heat[0].max() == 0
    assert np.allclose(np.exp(size[:, 12, 12]) * 32, (32, 64))


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("jfk2025__124-10273-10070_p18.png", "124-10273-10070"),
        ("fbi_cooper__cooper_d_b_part006_p16.png", "cooper_d_b_part006"),
        ("warufo__009-fbi83894_serial_130_cover.jpg", "009-fbi83894_serial_130_cover"),
    ],
)
def test_pages_of_one_document_share_its_name(name: str, document: str) -> None:
    assert document_of(name) == document


def test_a_judge_learns_what_tells_two_kinds_apart() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(0, 1, (400, 3))
    truth = (features[:, 0] * features[:, 1] > 0).astype(float)  # no single feature tells
    judge = fit([Examples("drawn", features, truth, np.ones(400))], JudgeSettings(members=2, steps=300, decay=0.01))
    fresh = rng.normal(0, 1, (200, 3))
    assert np.mean((judge(fresh) > 0.5) == (fresh[:, 0] * fresh[:, 1] > 0)) > 0.85
    far = fit([Examples("drawn", 9 + 5 * features, truth, np.ones(400))], JudgeSettings(members=2, steps=30))
    assert np.allclose(joined(judge, far)(fresh), (judge(fresh) + far(fresh)) / 2)


def test_a_forest_says_what_the_trees_say_that_it_was_made_of(tmp_path: Path) -> None:
    from sklearn.ensemble import ExtraTreesRegressor

    rng = np.random.default_rng(0)
    features, settings = rng.normal(0, 1, (600, 4)), ForestSettings(trees=12, leaf_min=5, features=4)
    truth = (features[:, 0] * features[:, 1] > 0).astype(float)
    forest = grow([Examples("drawn", features, truth, np.ones(600))], settings)
    trees = ExtraTreesRegressor(12, min_samples_leaf=5, max_features=4, random_state=0).fit(features, truth)
    fresh = rng.normal(0, 1, (200, 4))
    assert np.allclose(forest(fresh), trees.predict(fresh), atol=1e-6)
    assert np.mean((forest(fresh) > 0.5) == (fresh[:, 0] * fresh[:, 1] > 0)) > 0.85
    save({"forest": forest}, tmp_path / "judges.npz")
    with np.load(tmp_path / "judges.npz", allow_pickle=False) as arrays:
        again = Forest(*(arrays[f"forest_{part}"] for part in PARTS[Forest]))
    assert np.array_equal(again(fresh), forest(fresh))


def test_the_lettering_model_learns_and_is_exported_as_it_is() -> None:
    from redactlib.detect.spotting import KINDS, load_network
    from redactlib.training import lettering, lettering_pages

    page = np.zeros((240, 360), np.uint8)
    ground = lettering_pages.LetteringPage("ground", page, np.full_like(page, 255), (), ())
    settings = lettering.TrainSettings(batch=2, drawn_words=12)
    net = lettering.train([ground], minutes=60, steps=4, settings=settings)
    dark = np.random.default_rng(0).random((1, 1, 64, 96), dtype=np.float32)
    maps = load_network(lettering.export(net))(dark)
    with torch.no_grad():
        same = net(torch.from_numpy(dark))[0]
    assert maps.shape == (len(KINDS) + 3, 16, 24)
    assert np.allclose(maps[: len(KINDS)], torch.sigmoid(same[: len(KINDS)]).numpy(), atol=1e-4)
    assert np.allclose(maps[len(KINDS) :], same[len(KINDS) :].numpy(), atol=1e-3)


def test_training_goes_on_from_a_model_that_was_exported(tmp_path: Path, trained: tuple[InkNet, list[float]]) -> None:
    net, _ = trained
    (tmp_path / "ink.onnx").write_bytes(export(net))
    other = InkNet((8, 8, 8, 8))
    dark = torch.rand(1, 1, 64, 96)
    rate_share, settled = go_on_from(other, tmp_path / "ink.onnx")
    assert settled  # its normalisations are folded, and must stay
    assert rate_share < 1
    with torch.no_grad():
        assert all(torch.allclose(a, b, atol=1e-3) for a, b in zip(net.eval()(dark), other.eval()(dark), strict=True))


def test_a_word_laid_on_a_crop_is_hottest_at_its_middle() -> None:
    from redactlib.training import lettering, lettering_pages

    plane = np.zeros((160, 320), np.uint8)
    place = lettering_pages.Place((100.0, 60.0, 180.0, 84.0), 0.1, lettering_pages.SECRET)
    crop = lettering_pages.Crop(plane, np.full_like(plane, 255), [place])
    _, heat, judged, size, _ = lettering.targets([crop])
    assert np.unravel_index(heat[0].argmax(), heat[0].shape) == (lettering_pages.SECRET, 18, 34)
    assert judged.min() == 1
    assert np.allclose(size[0, :, 18, 34], [np.log(80 / 32), np.log(24 / 32), 0.1], atol=1e-6)


def test_brackets_of_drawn_drafts_are_examples() -> None:
    reader = NeuralReader()
    (page,) = drawn_drafts(1, lambda grey: read_page(grey, reader), shipped_network())
    brackets = [mark for mark in page[4] if mark["kind"] == "bracket"]
    examples = bracket_examples(*page, rng=np.random.default_rng(0))
    assert len(brackets) >= 10
    assert examples.truth.sum() > 0.8 * len(brackets)
    assert examples.truth.mean() < 0.9  # peaks of other things are examples as well
