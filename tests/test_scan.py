"""What open_scans makes of every kind of file, and what it finds out about a page."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from pdf_writer import encrypted, page, picture, say, stream
from PIL import Image, TiffImagePlugin

from redactlib.errors import ScanError
from redactlib.scan import Scan, ScanFile, as_scan, open_scans

WIDTH, HEIGHT = 850, 1100


def typed_page(pitch_px: float = 100 / 6, *, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Lines of black words on white, at 100 dpi unless told otherwise."""
    image = np.full((height, width), 255, np.uint8)
    draw = np.random.default_rng(7)
    y = 100.0
    while y < height - 100:
        for x in range(85, width - 85, 12):
            if draw.random() < 0.8:
                tall = int(pitch_px * draw.uniform(0.35, 0.55))
                cv2.rectangle(image, (x, round(y) - tall), (x + 7, round(y)), 0, 1)
        y += pitch_px
    return image


def only(path: Path, **options: object) -> Scan:
    (scan,) = open_scans(path, **options)
    return scan


@pytest.fixture(scope="module")
def typed() -> np.ndarray:
    return typed_page()


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("1", {"compression": "group4"}),
        ("1", {"compression": "tiff_lzw"}),
        ("L", {"compression": "tiff_lzw"}),
        ("L", {"compression": "jpeg", "quality": 95}),
        ("RGB", {"compression": "jpeg", "quality": 95}),
        ("CMYK", {}),
        ("P", {}),
        ("LA", {}),
        ("RGBA", {}),
        ("I;16", {}),
        ("F", {}),
    ],
)
def test_every_kind_of_tiff_shows_the_same_page(tmp_path: Path, typed: np.ndarray, mode: str, options: dict) -> None:
    picture = Image.fromarray(typed)
    if mode == "I;16":
        picture = Image.fromarray(typed.astype(np.uint16) * 257)
    elif mode == "F":
        picture = Image.fromarray(typed.astype(np.float32) / 255)
    elif mode != "L":
        picture = picture.convert(mode)
    picture.save(tmp_path / "a.tif", dpi=(100, 100), **options)
    scan = only(tmp_path / "a.tif")
    assert scan.image.dtype == np.uint8
    assert scan.image.shape == typed.shape, "a colourless page is stored grey"
    assert np.mean((scan.grey < 128) != (typed < 128)) < 0.001
    assert (scan.dpi, scan.dpi_source) == (100, "file")


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "bmp", "gif", "jp2", "pgm"])
def test_other_picture_formats(tmp_path: Path, typed: np.ndarray, suffix: str) -> None:
    Image.fromarray(typed).save(tmp_path / f"a.{suffix}")
    assert np.mean((only(tmp_path / f"a.{suffix}").grey < 128) != (typed < 128)) < 0.002


def test_sixteen_bit_white_is_zero_is_not_a_negative(tmp_path: Path, typed: np.ndarray) -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[262] = 0
    Image.fromarray((255 - typed).astype(np.uint16) * 257).save(tmp_path / "a.tif", tiffinfo=tags)
    with Image.open(tmp_path / "a.tif") as picture:
        assert picture.tag_v2[262] == 0
    assert np.array_equal(only(tmp_path / "a.tif").grey, typed)


def test_twelve_bits_in_sixteen_are_not_black(typed: np.ndarray) -> None:
    assert Scan.from_array(typed.astype(np.uint16) * 16).grey.max() == 255


def test_pages_of_a_tiff_without_its_thumbnails(tmp_path: Path, typed: np.ndarray) -> None:
    thumbnail = Image.fromarray(typed).resize((85, 110))
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[254] = 1
    thumbnail.encoderinfo = {"tiffinfo": tags}
    pages = [Image.fromarray(typed), Image.fromarray(np.rot90(typed).copy())]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=[thumbnail, pages[1]])
    scans = list(open_scans(tmp_path / "a.tif"))
    assert [(s.page, s.pages, s.image.shape) for s in scans] == [(1, 2, (1100, 850)), (2, 2, (850, 1100))]
    assert [s.page for s in open_scans(tmp_path / "a.tif", pages={2, 9})] == [2]
    with pytest.raises(ScanError, match=r"has 2 pages.*\(9\)"):
        list(open_scans(tmp_path / "a.tif", pages=[9]))


def test_transparent_paper_is_white(tmp_path: Path, typed: np.ndarray) -> None:
    rgba = np.zeros((*typed.shape, 4), np.uint8)
    rgba[..., 3] = 255 - typed
    Image.fromarray(rgba).save(tmp_path / "a.png")
    assert np.array_equal(only(tmp_path / "a.png").grey, typed)
    assert np.array_equal(Scan.from_array(rgba).grey, typed)


def test_exif_turn_is_applied(tmp_path: Path, typed: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(typed).copy()).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(only(tmp_path / "a.png").grey, typed)


@pytest.mark.parametrize(
    "array",
    [
        pytest.param(lambda a: a > 127, id="bool"),
        pytest.param(lambda a: a / 255.0, id="float"),
        pytest.param(lambda a: a.astype(np.float32), id="float to 255"),
        pytest.param(lambda a: a.astype(np.uint16) * 257, id="uint16"),
        pytest.param(lambda a: a.astype(np.int64), id="int64"),
        pytest.param(lambda a: a[:, :, None], id="one channel"),
        pytest.param(lambda a: np.dstack([a, a, a]), id="rgb"),
        pytest.param(lambda a: np.dstack([a, np.full_like(a, 255)]), id="grey and alpha"),
        pytest.param(lambda a: np.rot90(np.rot90(a, -1)), id="strided"),
    ],
)
def test_arrays_of_every_type(typed: np.ndarray, array) -> None:
    expected = np.rot90(np.rot90(typed, -1)) if array(typed).strides[0] < 0 else typed
    scan = as_scan(array(typed), dpi=100)
    assert np.array_equal(scan.image, expected)
    assert scan.image.flags["C_CONTIGUOUS"]
    assert (scan.dpi_source, scan.path, len(scan.sha256)) == ("given", None, 64)


@pytest.mark.parametrize(
    "bad", [np.zeros(9), np.zeros((2, 90, 90, 3)), np.zeros((90, 90, 7)), np.zeros((5, 5)), np.full((90, 90), "x")]
)
def test_arrays_that_are_no_page(bad: np.ndarray) -> None:
    with pytest.raises(ScanError, match=r"array"):
        as_scan(bad)


def test_as_scan_takes_one_page_only(tmp_path: Path, typed: np.ndarray) -> None:
    picture = Image.fromarray(typed)
    picture.save(tmp_path / "two.tif", save_all=True, append_images=[picture])
    picture.save(tmp_path / "one.tif")
    assert as_scan(tmp_path / "one.tif").width == WIDTH
    assert as_scan(picture).width == WIDTH
    scan = as_scan(picture)
    assert as_scan(scan) is scan
    with pytest.raises(ScanError, match="analyze_file"):
        as_scan(tmp_path / "two.tif")
    with pytest.raises(ScanError, match="list"):
        as_scan([1])


@pytest.mark.parametrize(
    ("stated", "dpi", "source"),
    [
        ((100, 100), 100, "file"),
        (None, 100, "estimated"),
        ((72, 72), 100, "estimated"),
        ((300, 300), 100, "estimated"),
        ((100000, 100000), 100, "estimated"),
        ((0.0001, 0.0001), 100, "estimated"),
    ],
)
def test_a_dpi_that_cannot_be_is_estimated(typed: np.ndarray, stated, dpi: float, source: str) -> None:
    picture = Image.fromarray(typed)
    if stated:
        picture.info["dpi"] = stated
    scan = as_scan(picture)
    assert scan.dpi == pytest.approx(dpi, rel=0.02)
    assert scan.dpi_source == source
    assert bool(scan.warnings) == (source == "estimated")


def test_a_small_sheet_is_believed_where_its_lines_bear_it_out() -> None:
    card = Image.fromarray(typed_page(200 / 6, width=1600, height=1000))
    card.info["dpi"] = (200, 200)
    assert (as_scan(card).dpi, as_scan(card).dpi_source) == (200, "file")


def test_a_scrap_is_measured_by_its_line_pitch() -> None:
    scan = as_scan(typed_page(50, width=1700, height=1650))
    assert scan.dpi == pytest.approx(300, rel=0.03)
    assert "line pitch" in scan.warnings[0]


@pytest.mark.parametrize("nonsense", [0, -300, float("nan"), float("inf")])
def test_a_given_dpi_must_be_one(typed: np.ndarray, nonsense: float) -> None:
    for source in (typed, Image.fromarray(typed), __file__):
        with pytest.raises(ScanError, match="dpi"):
            as_scan(source, dpi=nonsense)


@pytest.mark.parametrize("angle", [-3.2, -0.5, 0.0, 1.4])
def test_skew_is_measured(typed: np.ndarray, angle: float) -> None:
    turn = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), angle, 1)
    scan = as_scan(cv2.warpAffine(typed, turn, (WIDTH, HEIGHT), borderValue=255))
    assert scan.skew_deg == pytest.approx(angle, abs=0.15)


def test_an_empty_page_has_no_skew_and_no_ink() -> None:
    for tone in (255, 200):
        scan = as_scan(np.full((HEIGHT, WIDTH), tone, np.uint8))
        assert scan.skew_deg == 0
        assert not scan.ink.any()


def test_faint_pencil_on_grainy_paper_is_ink_and_the_grain_is_not() -> None:
    draw = np.random.default_rng(3)
    clean = np.full((HEIGHT, WIDTH), 205.0)
    clean[:, : WIDTH // 2] = 160  # a darker sheet on the left
    truth = np.zeros(clean.shape, bool)
    for y in range(200, 900, 50):
        for x, share in ((100, 0.45), (600, 0.78)):  # dark type on the dark sheet, pencil on the light one
            truth[y : y + 4, x : x + 150] = True
            clean[y : y + 4, x : x + 150] *= share
    scan = as_scan(np.clip(clean + draw.normal(0, 3, clean.shape), 0, 255).astype(np.uint8), dpi=100)
    near_edge = np.zeros_like(truth)
    near_edge[:, WIDTH // 2 - 30 : WIDTH // 2 + 30] = True
    assert scan.ink[truth].mean() > 0.98
    assert scan.ink[~truth & ~near_edge].mean() < 0.001


def test_upright_turns_image_and_overlays(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(page(say("secret", 100, 700) + b"90 695 100 20 re f\n"))
    scan = only(tmp_path / "a.pdf")
    turned = scan.upright(1)
    assert (turned.width, turned.height, turned.turned) == (scan.height, scan.width, 1)
    for one in (scan, turned, turned.upright(3)):
        x0, y0, x1, y1 = one.overlays[0].box
        assert (one.grey[y0 + 2 : y1 - 2, x0 + 2 : x1 - 2] == 0).all()
    assert np.array_equal(turned.upright(3).image, scan.image)


# PDF


def test_a_scanned_page_is_rendered_pixel_on_pixel_with_what_is_stamped_on_it(tmp_path: Path) -> None:
    bits = np.random.default_rng(1).random((1650, 1275)) < 0.5
    data = np.packbits(bits, axis=1).tobytes()
    content = b"q 612 0 0 792 0 0 cm /X Do Q 0 g 100 20 400 30 re f"
    (tmp_path / "a.pdf").write_bytes(page(content, extra=[picture(data, 1275, 1650)]))
    scan = only(tmp_path / "a.pdf")
    assert scan.dpi == pytest.approx(150, abs=0.01)
    assert np.array_equal(scan.grey[:1500], bits[:1500] * np.uint8(255))
    assert (scan.grey[1560:1600, 250:1000] == 0).all(), "the banner laid over the scan is lost"


@pytest.mark.parametrize("rotate", [90, 180, 270])
def test_a_turned_pdf_page_keeps_its_pixels(tmp_path: Path, rotate: int) -> None:
    bits = np.random.default_rng(1).random((1650, 1275)) < 0.5
    content = b"q 612 0 0 792 0 0 cm /X Do Q"
    image = picture(np.packbits(bits, axis=1).tobytes(), 1275, 1650)
    (tmp_path / "a.pdf").write_bytes(page(content, entries=b"/Rotate %d" % rotate, extra=[image]))
    assert np.array_equal(only(tmp_path / "a.pdf").grey, np.rot90(bits, -rotate // 90) * np.uint8(255))


def test_a_drawn_page_gets_300_dpi_and_a_given_dpi_wins(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(page(say("Text", 100, 700)))
    scan = only(tmp_path / "a.pdf")
    assert (scan.width, scan.height, scan.dpi, scan.dpi_source) == (2550, 3300, 300, "file")
    assert scan.image.ndim == 2
    scan = only(tmp_path / "a.pdf", dpi=100)
    assert (scan.width, scan.height, scan.dpi, scan.dpi_source) == (850, 1100, 100, "given")


def test_colour_of_a_pdf_page_is_rgb(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(page(b"1 0 0 rg 0 0 612 792 re f"))
    assert only(tmp_path / "a.pdf", dpi=50).image[100, 100].tolist() == [255, 0, 0]


def overlays_of(tmp_path: Path, content: bytes, **parts: object) -> list[tuple[str, str]]:
    (tmp_path / "a.pdf").write_bytes(page(content, **parts))
    return [(o.kind, o.hidden_text) for o in only(tmp_path / "a.pdf", dpi=100).overlays]


TEXT = say("Agent NIGHTINGALE met", 100, 700)
COVER = b"0 g 131 695 91 16 re f\n"


def test_text_under_a_black_or_white_rectangle_is_an_overlay(tmp_path: Path) -> None:
    assert overlays_of(tmp_path, TEXT + COVER) == [("rectangle", "NIGHTINGALE")]
    assert overlays_of(tmp_path, TEXT + COVER.replace(b"0 g", b"1 g")) == [("rectangle", "NIGHTINGALE")]


def test_invisible_ocr_text_under_a_cover_is_an_overlay(tmp_path: Path) -> None:
    assert overlays_of(tmp_path, b"3 Tr " + TEXT + COVER) == [("rectangle", "NIGHTINGALE")]


def test_a_code_printed_on_the_cover_does_not_expose_it(tmp_path: Path) -> None:
    label = b"1 g " + say("\\(b\\)\\(6\\)", 160, 700, size=8)
    assert overlays_of(tmp_path, TEXT + COVER + label) == [("rectangle", "NIGHTINGALE")]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"1 g 0 0 612 792 re f 0 g " + TEXT, "a page background comes before the text"),
        (b"0.8 g 90 690 300 20 re f 0 g " + TEXT, "so does the shading of a table row"),
        (TEXT + COVER + b"1 g " + TEXT, "the words are drawn again on top"),
        (TEXT + COVER.replace(b" f", b" S"), "a frame covers nothing"),
        (TEXT + b"0 g 130 300 110 16 re f", "no text there"),
        (TEXT + b"/G gs 1 1 0 rg 131 695 91 16 re f", "a see-through highlight"),
        (TEXT + b"0 g 130 695 m 240 711 l 130 711 l f", "a triangle"),
        (TEXT + b"130 694 110 1 re f", "an underline"),
    ],
)
def test_rectangles_that_hide_nothing(tmp_path: Path, content: bytes, why: str) -> None:
    transparent = b"<</Type/ExtGState/ca 0.4>>"
    (tmp_path / "a.pdf").write_bytes(
        page(content, extra=[transparent]).replace(b"/XObject<</X 6 0 R>>", b"/ExtGState<</G 6 0 R>>")
    )
    assert only(tmp_path / "a.pdf", dpi=100).overlays == (), why


def test_an_image_over_both_text_and_rectangle_is_the_page_itself(tmp_path: Path) -> None:
    content = TEXT + b"1 g 0 0 612 792 re f q 612 0 0 792 0 0 cm /X Do Q"
    assert overlays_of(tmp_path, content, extra=[picture(b"\xff" * 2, 4, 2)]) == []


def test_cover_inside_a_moved_form_lies_where_it_is_seen(tmp_path: Path) -> None:
    form = stream(b"0 g 0 0 91 16 re f", b"/Type/XObject/Subtype/Form/BBox[0 0 612 792]")
    content = TEXT + b"q 1 0 0 1 131 695 cm /X Do Q"
    (tmp_path / "a.pdf").write_bytes(page(content, extra=[form]))
    scan = only(tmp_path / "a.pdf", dpi=72)
    assert [(o.box, o.hidden_text) for o in scan.overlays] == [((131, 81, 222, 97), "NIGHTINGALE")]


def test_redaction_annotation_not_yet_applied_is_an_overlay(tmp_path: Path) -> None:
    mark = b"<</Type/Annot/Subtype/Redact/Rect[131 695 222 711]>>"
    assert overlays_of(tmp_path, TEXT, entries=b"/Annots[6 0 R]", extra=[mark]) == [("annotation", "NIGHTINGALE")]


@pytest.mark.parametrize(("colour", "found"), [(b"0 0 0", 1), (b"1 1 0", 0)])
def test_highlight_hides_text_only_if_it_is_black(tmp_path: Path, colour: bytes, found: int) -> None:
    mark = (
        b"<</Type/Annot/Subtype/Highlight/Rect[131 695 222 711]/C[%s]/F 4/QuadPoints[131 711 222 711 131 695 222 695]>>"
    )
    assert len(overlays_of(tmp_path, TEXT, entries=b"/Annots[6 0 R]", extra=[mark % colour])) == found


def test_an_encrypted_pdf_opens_with_its_password_and_says_so_without(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(encrypted("open sesame"))
    with pytest.raises(ScanError, match=r"a\.pdf: is encrypted.*qpdf"):
        only(tmp_path / "a.pdf")
    with pytest.raises(ScanError, match="the password does not open it"):
        only(tmp_path / "a.pdf", password="wrong")
    assert only(tmp_path / "a.pdf", password="open sesame", dpi=72).grey[700, 100] == 0


def test_a_scan_file_reads_pages_in_any_order(tmp_path: Path, typed: np.ndarray) -> None:
    pages = [Image.fromarray(np.full_like(typed, tone)) for tone in (10, 20, 30)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    pages[0].save(tmp_path / "a.pdf", save_all=True, append_images=pages[1:], resolution=100, quality=95)
    for name in ("a.tif", "a.pdf"):
        with ScanFile(tmp_path / name) as file:
            assert [int(file.read(n).grey[500, 500]) for n in (3, 1, 2)] == pytest.approx([30, 10, 20], abs=1)


@pytest.mark.real
def test_real_documents_open_at_the_resolution_of_their_scans(real_scans: Path) -> None:
    for path in sorted((real_scans / "pdf").glob("*.pdf"))[::5]:
        scan = next(open_scans(path))
        assert 149 < scan.dpi < 401
        assert scan.image.dtype == np.uint8
        assert 5 < scan.width / scan.dpi < 12
