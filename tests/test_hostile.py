"""Broken, lying and evil files: one ScanError that names the file and the remedy; no traceback, no hang."""

from __future__ import annotations

import io
import os
import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from pdf_writer import nested_forms, page, pdf, picture, say, stream
from PIL import Image

from redactlib import scan as scan_module
from redactlib.errors import ScanError
from redactlib.scan import ScanFile, ScanSettings, open_scans


def png(width: int, height: int, rows: bytes = b"") -> bytes:
    """A 1-bit PNG that claims a size, whatever its rows hold."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def saved(kind: str, **options: object) -> bytes:
    noise = np.random.default_rng(0).integers(0, 255, (120, 100), np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).convert("1" if options.get("compression") == "group4" else "L").save(out, kind, **options)
    return out.getvalue()


def cyclic_tiff() -> bytes:
    """A TIFF whose second directory says that the first comes next."""
    data = bytearray(saved("TIFF"))
    (start,) = struct.unpack_from("<I", data, 4)
    (entries,) = struct.unpack_from("<H", data, start)
    struct.pack_into("<I", data, start + 2 + 12 * entries, start)
    return bytes(data)


CATALOGUE = b"<</Type/Catalog/Pages 2 0 R>>"
BROKEN = {
    "empty.pdf": (b"", "is empty"),
    "text.pdf": (b"Minutes of the meeting\n" * 50, "it holds text"),
    "noise.png": (bytes(range(256)) * 9, "first bytes are unknown"),
    "head.pdf": (b"%PDF-1.7\n", "damaged or no PDF"),
    "cut.pdf": (page(say("x", 9, 9))[:200], "damaged or no PDF|without pages"),
    "no-pages.pdf": (pdf([CATALOGUE, b"<</Type/Pages/Kids[]/Count 0>>"]), "without pages"),
    "own-child.pdf": (pdf([CATALOGUE, b"<</Type/Pages/Kids[2 0 R]/Count 1>>"]), "page is damaged|without pages"),
    "liar.pdf": (pdf([CATALOGUE, b"<</Type/Pages/Kids[2 0 R]/Count 99999999>>"]), "claims|without|damaged"),
    "deep.pdf": (pdf([CATALOGUE, b"[" * 200_000]), "damaged|without pages|stops the PDF engine"),
    "cut.png": (saved("PNG")[:3000], "damaged or cut off"),
    "cut.jpg": (saved("JPEG")[:3000], "damaged or cut off"),
    "cut.tif": (saved("TIFF")[:3000], "damaged or cut off|no page scan"),
    "vast.png": (png(60000, 60000), "scale it"),
    "big.png": (png(12000, 12000), "scale it"),
    "vast.bmp": (
        b"BM" + struct.pack("<IIIIiiHHIIIIII", 90, 0, 54, 40, 60000, 60000, 1, 1, 0, 0, 0, 0, 0, 0),
        "scale it",
    ),
    "dot.png": (png(1, 1, b"\0\0"), "too small"),
    "strip.png": (png(9000, 20), "too small"),
    "stamp.pdf": (page(b"").replace(b"612 792", b"5 5"), "too small"),
    "script.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n", "is no page scan"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_bad_file_gives_one_error_that_names_it(tmp_path: Path, name: str) -> None:
    data, expected = BROKEN[name]
    (tmp_path / name).write_bytes(data)
    start = time.monotonic()
    with pytest.raises(ScanError, match=expected) as caught:
        list(open_scans(tmp_path / name))
    assert name in str(caught.value)
    assert ";" in str(caught.value), "no remedy"
    assert time.monotonic() - start < 20


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pdf")
    (tmp_path / "loop.pdf").symlink_to(tmp_path / "loop.pdf")
    for path, expected in [
        (tmp_path / "pipe.pdf", "is a pipe"),
        (tmp_path, "is a folder"),
        (tmp_path / "gone.pdf", "does not exist"),
        (tmp_path / "loop.pdf", "cannot be read"),
        ("a\0b.pdf", "no file name"),
        ("/dev/zero", "is a pipe or device"),
    ]:
        with pytest.raises(ScanError, match=expected):
            list(open_scans(path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(page(b""))
    (tmp_path / "a.pdf").chmod(0)
    with pytest.raises(ScanError, match="permissions"):
        list(open_scans(tmp_path / "a.pdf"))


def test_name_that_is_not_utf8_or_looks_like_an_option(tmp_path: Path) -> None:
    for name in (b"caf\xe9.pdf", b"--help.pdf", b"a\nb\x1b[2J.pdf"):
        path = os.path.join(os.fsencode(tmp_path), name)
        with open(path, "wb") as file:
            file.write(page(b"0 0 612 792 re f"))
        (scan,) = open_scans(os.fsdecode(path), dpi=50)
        assert scan.grey.max() == 0


def test_a_tiff_that_goes_round_in_circles_ends(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(cyclic_tiff())
    assert len(list(open_scans(tmp_path / "a.tif"))) == 1


def test_a_page_that_takes_for_ever_costs_its_own_time_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_module, "ScanSettings", type("Hasty", (ScanSettings,), {"pdf_seconds": 2.0}))
    (tmp_path / "a.pdf").write_bytes(nested_forms(9, 10))
    start = time.monotonic()
    with pytest.raises(ScanError, match=r"a\.pdf: takes more than 2 s"):
        list(open_scans(tmp_path / "a.pdf"))
    assert time.monotonic() - start < 10


def test_a_pdf_image_of_nine_hundred_megapixels_is_no_danger(tmp_path: Path) -> None:
    deflate = zlib.compressobj(9)
    rows = b"".join(deflate.compress(bytes(30000 // 8 * 1000)) for _ in range(30)) + deflate.flush()
    image = b"<</Type/XObject/Subtype/Image/Width 30000/Height 30000/BitsPerComponent 1/ColorSpace/DeviceGray"
    image += b"/Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(rows), rows)
    (tmp_path / "a.pdf").write_bytes(page(b"612 0 0 792 0 0 cm /X Do", extra=[image]))
    (scan,) = open_scans(tmp_path / "a.pdf")
    assert scan.width * scan.height < 50e6


def test_a_huge_sheet_is_rendered_within_the_limit(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(page(b"0 0 9 9 re f").replace(b"612 792", b"14400 14400"))
    (scan,) = open_scans(tmp_path / "a.pdf")
    assert scan.width * scan.height < 50e6
    assert scan.dpi == pytest.approx(scan.width / 200, rel=0.001)
    with pytest.raises(ScanError, match="too large to be drawn at 300 dpi; give 31 or less"):
        list(open_scans(tmp_path / "a.pdf", dpi=300))


def test_a_broken_page_does_not_hide_the_others(tmp_path: Path) -> None:
    pages = b"<</Type/Pages/Kids[3 0 R 4 0 R 3 0 R]/Count 3>>"
    good = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 5 0 R>>"
    (tmp_path / "a.pdf").write_bytes(pdf([CATALOGUE, pages, good, b"null", stream(b"0 0 612 792 re f")]))
    with ScanFile(tmp_path / "a.pdf", dpi=50) as file:
        assert file.read(1).grey.max() == 0
        with pytest.raises(ScanError, match=r"a\.pdf, page 2: the page is damaged"):
            file.read(2)
        assert file.read(3).grey.max() == 0


def test_the_engine_is_started_anew_after_a_page_that_killed_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_module, "ScanSettings", type("Hasty", (ScanSettings,), {"pdf_seconds": 2.0}))
    evil = nested_forms(9, 10)
    kids = evil.replace(b"/Kids[3 0 R]/Count 1", b"/Kids[15 0 R 3 0 R 15 0 R]/Count 3")
    good = b"15 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]>>\nendobj\n"
    (tmp_path / "a.pdf").write_bytes(kids.replace(b"xref\n", good + b"xrfe\n"))  # no table: the engine rebuilds it
    with ScanFile(tmp_path / "a.pdf", dpi=50) as file:
        assert file.pages == 3
        assert file.read(1).grey.min() == 255
        with pytest.raises(ScanError, match=r"page 2: takes more than"):
            file.read(2)
        assert file.read(3).grey.min() == 255


def test_an_engine_that_dies_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(page(b""))
    with ScanFile(tmp_path / "a.pdf") as file:
        file._pdf._process.kill()
        with pytest.raises(ScanError, match="stops the PDF engine"):
            file.read(1)


def test_thousands_of_objects_are_searched_or_it_is_said(tmp_path: Path) -> None:
    dots = b"0 0 2 2 re f\n" * 50_500
    (tmp_path / "a.pdf").write_bytes(page(dots))
    (scan,) = open_scans(tmp_path / "a.pdf", dpi=50)
    assert any("not all were searched" in warning for warning in scan.warnings)


def read_or_fail_cleanly(path: Path) -> None:
    error = None
    try:
        for scan in open_scans(path):
            assert scan.image.dtype == np.uint8
            assert scan.dpi > 0
    except ScanError as caught:
        error = caught
    assert error is None or str(path) in str(error)


@pytest.mark.parametrize(
    "seed_file",
    [
        pytest.param(saved("PNG"), id="png"),
        pytest.param(saved("JPEG"), id="jpeg"),
        pytest.param(saved("TIFF", compression="group4"), id="g4"),
        pytest.param(saved("TIFF", compression="tiff_lzw"), id="lzw"),
        pytest.param(saved("GIF"), id="gif"),
        pytest.param(saved("BMP"), id="bmp"),
    ],
)
def test_files_with_flipped_bytes_read_or_fail_cleanly(tmp_path: Path, seed_file: bytes) -> None:
    draw = np.random.default_rng(len(seed_file))
    path = tmp_path / "flipped"
    for _ in range(60):
        data = bytearray(seed_file)
        for at in draw.integers(0, min(len(data), draw.choice([64, 400, 1 << 30])), 4):
            data[at] = draw.integers(256)
        path.write_bytes(data[: draw.integers(len(data) // 2, len(data) + 1)])
        read_or_fail_cleanly(path)


def test_pdfs_with_flipped_bytes_read_or_fail_cleanly(tmp_path: Path) -> None:
    seed_file = page(say("Text", 9, 9) + b"/X Do", extra=[picture(b"\xaa" * 800, 80, 80)])
    draw = np.random.default_rng(5)
    for number in range(8):
        data = bytearray(seed_file)
        for at in draw.integers(0, len(data), 6):
            data[at] = draw.integers(256)
        path = tmp_path / f"{number}.pdf"
        path.write_bytes(data)
        read_or_fail_cleanly(path)
