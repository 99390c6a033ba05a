"""Page scans: files, arrays and Pillow images in, :class:`Scan` out.

What a file holds is an enemy's word: sizes are checked before anything is unpacked, PDF runs in a process of its own
(:mod:`redactlib.pdf`), and whatever goes wrong is one :class:`ScanError` that names the file and the remedy.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import stat
import subprocess
import sys
import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageOps

from redactlib.errors import ScanError
from redactlib.marks import Box

MM_PER_INCH = 25.4
PICTURE_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP", "JPEG2000", "PPM")
SUFFIXES = (
    ".pdf",
    ".png",
    ".jpg",
    ".jpeg",
    ".tif",
    ".tiff",
    ".webp",
    ".gif",
    ".bmp",
    ".jp2",
    ".j2k",
    ".pgm",
    ".pbm",
    ".ppm",
)
"""Endings of file names that a folder is searched for; a file given by name may have any."""


@dataclass(frozen=True)
class ScanSettings:
    """What is taken for a page, and for its true size."""

    side_min_px: int = 40  # a smaller picture is an icon: not one line of text fits
    pixels_max: float = 120e6  # 17 x 11 inches at 600 dpi is 67 million; 60000 x 60000 would take 3.6 GB
    pages_max: int = 20_000  # the largest releases have a few thousand pages; more is a lie in the file's page tree
    pdf_seconds: float = 60.0  # for one page, which takes 0.1 s: longer is a page that was made to take for ever
    dpi_min: float = 50.0  # typescript below that cannot be read
    dpi_max: float = 1600.0
    page_long_in: tuple[float, float] = (9.5, 17.5)  # letter, A4, legal and ledger, cropped a little
    default_dpi: float = 99.0  # at most that: a program's 72 or 96 as often as the truth, so no ledger page is believed
    default_long_in: float = 14.2  # legal
    sheet_long_in: tuple[float, float] = (4.0, 60.0)  # index card to map: believed where the page bears it out
    big_sheet_dpi: float = 150.0  # nobody's default, so a big sheet scanned at that or more is believed
    lines_per_inch: tuple[float, ...] = (6.0, 4.0, 3.0)  # typescript: single, one and a half, double spaced
    pitch_error: float = 0.08  # share by which a typewriter's pitch and a copy's scale are off
    pitch_strength: float = 0.25  # autocorrelation at the pitch; 0.1-0.7 on typed pages, below 0.1 on others


@dataclass(frozen=True)
class Overlay:
    """A vector rectangle or redaction annotation that lies over the page's live text in a PDF."""

    box: Box
    kind: str  # "rectangle" | "annotation"
    hidden_text: str


@dataclass(frozen=True, eq=False)
class Scan:
    """One page image with what is known of its origin.

    Attributes:
        image: uint8, ``(H, W)`` grey or ``(H, W, 3)`` RGB, pixels as stored in the file.
        dpi: pixels an inch; `dpi_source` says whether the ``file`` gave it, the caller (``given``) or the page itself
            (``estimated``).
        path: the file, or ``None`` for an array.
        page: number of the page in its file, from 1; `pages`: how many the file has.
        sha256: of the file's bytes, or of the pixels where there is no file.
        overlays: vector rectangles and redaction annotations over live text (PDF only).
        warnings: what was assumed while reading.

    >>> scan = Scan.from_array(np.full((1100, 850), 255, np.uint8), dpi=100)
    >>> scan.width, scan.height, scan.mm(25.4), scan.ink.any()
    (850, 1100, 100.0, np.False_)
    """

    image: np.ndarray
    dpi: float
    dpi_source: str = "file"
    path: str | None = None
    page: int = 1
    pages: int = 1
    sha256: str = ""
    overlays: tuple[Overlay, ...] = ()
    warnings: tuple[str, ...] = ()
    turned: int = field(default=0, repr=False)

    @classmethod
    def from_array(cls, array: np.ndarray, *, dpi: float | None = None) -> Scan:
        """A scan of one page held as an array.

        Args:
            array: ``(H, W)`` or ``(H, W, 1)`` grey, ``(H, W, 2)`` grey and alpha, ``(H, W, 3)`` RGB, ``(H, W, 4)``
                RGBA; bool (``True`` is white), unsigned integers, or floats 0..1 (0..255 where any exceeds 1).
            dpi: pixels an inch; estimated from the page where it is not given.

        Raises:
            ScanError: the array is no picture of a page.
        """
        array = np.asarray(array)
        if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 2, 3, 4)):
            raise ScanError(
                f"array of shape {array.shape}: expected (H, W) or (H, W, 1..4); give one page at a time, channels last"
            )
        if array.dtype.kind not in "buif":
            raise ScanError(f"array of {array.dtype}: expected bool, integers or floats; convert it, say to uint8")
        _check_size("array", array.shape[1], array.shape[0])
        return cls._build(_opaque(_eight_bits(array)), dpi=dpi, name="array")

    @classmethod
    def from_image(cls, picture: Image.Image, *, dpi: float | None = None) -> Scan:
        """A scan of one page held as a Pillow image; its EXIF turn is applied, its dpi taken if not given.

        Raises:
            ScanError: the image is too small, too large or broken.
        """
        _check_size("image", *picture.size)
        return cls._build(_pixels("image", picture), dpi=dpi, file_dpi=picture.info.get("dpi"), name="image")

    @classmethod
    def _build(cls, image: np.ndarray, *, dpi: float | None, name: str, file_dpi: Any = None, **origin: Any) -> Scan:
        _check_dpi(name, dpi)
        image = np.ascontiguousarray(image[:, :, 0] if image.ndim == 3 and _is_grey(image) else image)
        if "sha256" not in origin:
            origin["sha256"] = hashlib.sha256(repr(image.shape).encode() + image.tobytes()).hexdigest()
        if dpi is not None:
            return cls(image, float(dpi), "given", **origin)
        true_dpi, source, notes = _believed_dpi(image, file_dpi)
        return cls(image, true_dpi, source, warnings=notes, **origin)

    @property
    def width(self) -> int:
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        return int(self.image.shape[0])

    @cached_property
    def grey(self) -> np.ndarray:
        """The page in grey, uint8 ``(H, W)``."""
        return self.image if self.image.ndim == 2 else cv2.cvtColor(self.image, cv2.COLOR_RGB2GRAY)

    @cached_property
    def ink(self) -> np.ndarray:
        """Where the page is inked: bool ``(H, W)``; a bitonal page as it is, others against paper and ink around."""
        return _ink(self.grey, self.dpi)

    @cached_property
    def skew_deg(self) -> float:
        """How far the lines of text climb to the right, degrees counter-clockwise, -5..5; 0.0 where there is no text.

        The angle that makes the profile of the letters' feet sharpest (Postl 1986), at quarter size.
        """
        return _skew(_feet(self.grey))

    def mm(self, millimetres: float) -> float:
        """A length on paper in pixels of this page."""
        return millimetres / MM_PER_INCH * self.dpi

    def upright(self, quarter_turns: int) -> Scan:
        """The page turned counter-clockwise by quarter turns, as a new scan; overlays turn with it."""
        k = quarter_turns % 4
        if not k:
            return self
        overlays = tuple(replace(o, box=turn_box(o.box, k, self.width, self.height)) for o in self.overlays)
        image = np.ascontiguousarray(np.rot90(self.image, k))
        return replace(self, image=image, turned=(self.turned + k) % 4, overlays=overlays)


def turn_box(box: Box, quarter_turns: int, width: int, height: int) -> Box:
    """A box of a `width` x `height` page after the page is turned counter-clockwise by quarter turns.

    >>> turn_box((0, 0, 2, 1), 1, 10, 20)
    (0, 8, 1, 10)
    """
    for _ in range(quarter_turns % 4):
        x0, y0, x1, y1 = box
        box = (y0, width - x1, y1, width - x0)
        width, height = height, width
    return box


def as_scan(source: Scan | np.ndarray | Image.Image | str | Path, *, dpi: float | None = None) -> Scan:
    """One page from whatever holds one: a scan, an array, a Pillow image, or the path of a file with one page.

    Raises:
        ScanError: it is no page, or a file of several.
    """
    if isinstance(source, Scan):
        return source if dpi is None else replace(source, dpi=float(dpi), dpi_source="given")
    if isinstance(source, np.ndarray):
        return Scan.from_array(source, dpi=dpi)
    if isinstance(source, Image.Image):
        return Scan.from_image(source, dpi=dpi)
    if not isinstance(source, str | Path):
        raise ScanError(f"{type(source).__name__}: expected a Scan, a NumPy array, a Pillow image or a path")
    with ScanFile(source, dpi=dpi) as file:
        if file.pages > 1:
            raise ScanError(f"{source}: has {file.pages} pages; use analyze_file, or open_scans(path, pages=[1])")
        return file.read(1)


def open_scans(
    path: str | Path,
    *,
    dpi: float | None = None,
    pages: Collection[int] | None = None,
    password: str | None = None,
) -> Iterator[Scan]:
    """Yield the pages of a file, one :class:`Scan` at a time.

    Args:
        path: PNG, JPEG, TIFF, PDF, WebP, GIF, BMP, JPEG 2000 or PNM file.
        dpi: pixels an inch, in place of what the file says; a PDF is rendered at it.
        pages: numbers of the pages wanted, from 1; those that the file lacks are left out.
        password: of an encrypted PDF.

    Raises:
        ScanError: the file, or the page that comes next, cannot be read; the message names the remedy.
    """
    with ScanFile(path, dpi=dpi, password=password) as file:
        for number in file.wanted(pages):
            yield file.read(number)


class ScanFile:
    """A file of scans, held open: `pages` pages, each read on demand, so that one broken page does not hide the others.

    Args:
        path, dpi, password: as in :func:`open_scans`.

    Raises:
        ScanError: the file cannot be read.
    """

    def __init__(self, path: str | Path, *, dpi: float | None = None, password: str | None = None) -> None:
        self.path = str(path)
        _check_dpi(self.path, dpi)
        head, self.sha256 = _fingerprint(self.path)
        self._dpi = dpi
        self._pdf = _PdfEngine(self.path, password) if _is_pdf(head) else None
        self._picture: Image.Image | None = None
        self._frames = [0]
        if self._pdf:
            self.pages = self._pdf.pages
        else:
            self._picture, self._frames = _open_picture(self.path, head)
            self.pages = len(self._frames)
        if self.pages > ScanSettings.pages_max:
            self.close()
            raise ScanError(
                f"{self.path}: claims {self.pages} pages, more than {ScanSettings.pages_max}; split it, or repair it if"
                " that is not true"
            )

    def wanted(self, pages: Collection[int] | None) -> list[int]:
        """The page numbers of this file among those asked for (``None``: all)."""
        numbers = [n for n in range(1, self.pages + 1) if pages is None or n in pages]
        if not numbers:
            asked = ", ".join(map(str, sorted(pages or ())[:8]))
            raise ScanError(f"{self.path}: has {self.pages} pages, none of those asked for ({asked}); ask for others")
        return numbers

    def read(self, number: int) -> Scan:
        """One page, counted from 1."""
        self.wanted([number])
        name = self.path if self.pages == 1 else f"{self.path}, page {number}"
        origin = {"path": self.path, "page": number, "pages": self.pages, "sha256": self.sha256}
        if self._pdf:
            return self._pdf.read(name, number, self._dpi, origin)
        assert self._picture is not None
        with _picture_errors(name):
            self._picture.seek(self._frames[number - 1])
        _check_size(name, *self._picture.size)
        image = _pixels(name, self._picture)
        return Scan._build(image, dpi=self._dpi, file_dpi=self._picture.info.get("dpi"), name=name, **origin)

    def close(self) -> None:
        if self._pdf:
            self._pdf.close()
        if self._picture:
            self._picture.close()

    def __enter__(self) -> ScanFile:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _fingerprint(path: str) -> tuple[bytes, str]:
    """The first bytes of a regular file, and the SHA-256 of all."""
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise ScanError(f"{path}: is a folder; give its files, or the folder to 'redactlib analyze'")
        if not stat.S_ISREG(mode):
            raise ScanError(f"{path}: is a pipe or device, not a file; save its content to a file first")
        with open(path, "rb") as file:
            head = file.read(1024)
            file.seek(0)
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise ScanError(f"{path}: does not exist; check the spelling") from error
    except OSError as error:
        raise ScanError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from error
    except ValueError as error:  # a NUL in the name
        raise ScanError(f"{path!r}: is no file name ({error}); check the path") from error
    if not head:
        raise ScanError(f"{path}: is empty (0 bytes); fetch it again")
    return head, sha256


def _is_pdf(head: bytes) -> bool:
    """The header may stand anywhere in the first kilobyte, but a picture may hold it as a comment."""
    return b"%PDF-" in head and not head.startswith(
        (b"\x89PNG", b"\xff\xd8", b"II*\0", b"MM\0*", b"GIF8", b"RIFF", b"BM")
    )


def _check_dpi(name: str, dpi: float | None) -> None:
    if dpi is not None and not (math.isfinite(dpi) and dpi > 0):
        raise ScanError(f"{name}: dpi {dpi} was given; expected pixels an inch, say 300")


def _check_size(name: str, width: int, height: int) -> None:
    low, high = ScanSettings.side_min_px, ScanSettings.pixels_max
    if min(width, height) < low:
        raise ScanError(f"{name}: {width} x {height} px is too small for a page; expected at least {low} px a side")
    if width * height > high:
        raise ScanError(
            f"{name}: {width} x {height} px is more than the {high / 1e6:.0f} million pixels a page may have; scale it"
            " down to 300 dpi or cut it into pages"
        )


class _PdfEngine:
    """One PDF in its own process (:mod:`redactlib.pdf`), started anew after it died of a page."""

    def __init__(self, path: str, password: str | None) -> None:
        self._request = {"path": os.path.abspath(path), "password": password}
        self._path = path
        self._process: subprocess.Popen[bytes] | None = None
        self.pages = self._start()

    def _start(self) -> int:
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(Path(__file__).with_name("pdf.py")), str(ScanSettings.pdf_seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        )
        header, _ = self._ask(self._path, self._request)
        if header.get("encrypted"):
            wrong = "the password does not open it" if self._request["password"] else "is encrypted"
            raise ScanError(
                f"{self._path}: {wrong}; give open_scans(..., password=...), or save it without one:"
                " qpdf --password=... --decrypt in.pdf out.pdf"
            )
        if "error" in header:
            raise ScanError(
                f"{self._path}: is damaged or no PDF ({header['error']}); fetch it again or repair it, say with"
                " 'qpdf in.pdf out.pdf'"
            )
        if header["pages"] < 1:
            self.close()
            raise ScanError(f"{self._path}: is a PDF without pages; fetch it again or repair it")
        return int(header["pages"])

    def _ask(self, name: str, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """Send a request; the header of the answer, and the pixels if it has any."""
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        pixels = line = b""
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
        line = process.stdout.readline()
        header = json.loads(line) if line.endswith(b"\n") else {}
        if "width" in header:
            pixels = process.stdout.read(header["width"] * header["height"] * 3)
        if not header or len(pixels) < header.get("width", 0) * header.get("height", 0) * 3:
            self.close()
            slow = f"takes more than {ScanSettings.pdf_seconds:.0f} s to draw"
            why = slow if process.returncode == 124 else "stops the PDF engine (out of memory, or it is made to harm)"
            raise ScanError(f"{name}: {why}; print the page to a picture with a viewer that you trust and read that")
        if "error" in header and "page" not in request:
            self.close()
        return header, pixels

    def read(self, name: str, number: int, dpi: float | None, origin: dict[str, Any]) -> Scan:
        if self._process is None:
            self._start()
        header, pixels = self._ask(name, {"page": number, "dpi": dpi})
        if "error" in header:
            raise ScanError(
                f"{name}: the page is damaged ({header['error']}); repair it, say with 'qpdf in.pdf out.pdf'"
            )
        if dpi is not None and header["dpi"] < 0.99 * dpi:
            raise ScanError(f"{name}: is too large to be drawn at {dpi:g} dpi; give {int(header['dpi'])} or less")
        _check_size(name, header["width"], header["height"])
        bgr = np.frombuffer(pixels, np.uint8).reshape(header["height"], header["width"], 3)
        image = bgr[:, :, 0] if _is_grey(bgr) else cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
        scan = Scan._build(image, dpi=header["dpi"], name=name, **origin)
        overlays = tuple(
            Overlay(tuple(o["box"]), o["kind"], o["hidden_text"])
            for o in header["overlays"]
            if o["certain"] or _one_tone(scan.grey, tuple(o["box"]))
        )
        notes = (
            () if header["searched"] else ("too many drawn objects on the page: not all were searched for overlays",)
        )
        return replace(scan, dpi_source=header["dpi_source"], overlays=overlays, warnings=scan.warnings + notes)

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def _one_tone(grey: np.ndarray, box: Box) -> bool:
    """Whether nothing can be told apart inside a box: 97 of 100 pixels have one tone."""
    inside = grey[box[1] : box[3], box[0] : box[2]]
    return inside.size > 0 and float(np.mean(np.abs(inside.astype(np.int16) - int(np.median(inside))) < 12)) > 0.97


@contextlib.contextmanager
def _picture_errors(name: str) -> Iterator[None]:
    """Turn whatever Pillow raises on a broken file, which may be anything, into one error that says what to do."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # notes on odd metadata, and on sizes, which are checked here
            yield
    except ScanError:
        raise
    except Exception as error:
        why = str(error) or type(error).__name__
        raise ScanError(f"{name}: is damaged or cut off ({why}); fetch it again or convert it to PNG") from error


def _open_picture(path: str, head: bytes) -> tuple[Image.Image, list[int]]:
    """The picture, undecoded, and which of its frames are pages."""
    with _picture_errors(path):
        try:
            picture = Image.open(path, formats=PICTURE_FORMATS)
        except Image.UnidentifiedImageError as error:
            text = "it holds text" if not set(head[:200]) & set(range(9)) else "its first bytes are unknown"
            raise ScanError(
                f"{path}: is no page scan, {text}; expected PNG, JPEG, TIFF, PDF, WebP, GIF, BMP, JPEG 2000 or PNM:"
                " convert it"
            ) from error
        except Image.DecompressionBombError as error:
            raise ScanError(
                f"{path}: has far more than {ScanSettings.pixels_max / 1e6:.0f} million pixels, too many for a page;"
                " scale it down to 300 dpi or cut it into pages"
            ) from error
        if picture.format != "TIFF":
            return picture, [0]  # of an animation or a camera's picture pair, the first
        frames: list[int] = []
        index = 0
        with contextlib.suppress(EOFError):
            while len(frames) <= ScanSettings.pages_max:
                picture.seek(index)
                if not int(getattr(picture, "tag_v2", {}).get(254) or 0) & 5:  # neither a thumbnail (1) nor a mask (4)
                    frames.append(index)
                index += 1
        return picture, frames or [0]


def _pixels(name: str, picture: Image.Image) -> np.ndarray:
    """Decode a Pillow image: uint8 grey or RGB, turned as its EXIF says, alpha laid on white."""
    with _picture_errors(name):
        picture.load()
        tags = getattr(picture, "tag_v2", {})
        deep = picture.mode.startswith(("I", "F"))
        bits = tags.get(258, (16,))
        inverted = deep and tags.get(262) == 0  # Pillow turns "white is zero" for 8 bits, not for 16
        picture = ImageOps.exif_transpose(picture)
        if deep:
            image = _eight_bits(_as_stored(np.asarray(picture), bits))
            return 255 - image if inverted else image
        if picture.mode == "1" or picture.mode == "L":
            transparent = "transparency" in picture.info
            return _opaque(np.asarray(picture.convert("LA"))) if transparent else np.asarray(picture.convert("L"))
        if picture.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in picture.info:
            return _opaque(np.asarray(picture.convert("RGBA")))
        return np.asarray(picture.convert("RGB"))


def _as_stored(array: np.ndarray, bits: tuple[int, ...]) -> np.ndarray:
    """Pillow widens 16-bit samples to 32: back to the type whose range they span."""
    if array.dtype.kind == "i" and max(bits) <= 16 and array.min(initial=0) >= 0 and array.max(initial=0) < 65536:
        return array.astype(np.uint16)
    return array


def _eight_bits(array: np.ndarray) -> np.ndarray:
    """Any samples as uint8; floats from 0..1, or 0..255 where any exceeds 1, or their own range beyond that."""
    kind = array.dtype.kind
    if kind == "b":
        return array.astype(np.uint8) * np.uint8(255)
    if kind == "u":  # scanners put 10, 12 or 14 bits in 16
        return (array >> max(0, int(array.max(initial=0)).bit_length() - 8)).astype(np.uint8)
    if array.dtype == np.int64 and array.size and array.min() >= 0 and array.max() <= 255:
        return array.astype(np.uint8)  # what plain Python numbers become
    values = np.nan_to_num(array.astype(np.float32), nan=np.inf, posinf=np.inf)
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if low >= 0 and high <= 255:
        low, high = 0.0, (1.0 if high <= 1 and kind == "f" else 255.0)
    return (np.clip((values - low) / max(high - low, 1e-12), 0, 1) * 255 + 0.5).astype(np.uint8)


def _opaque(array: np.ndarray) -> np.ndarray:
    """uint8 grey or RGB, a last channel of alpha laid on white."""
    if array.ndim == 2:
        return array
    channels = array.shape[2]
    if channels in (1, 3):
        return array[:, :, 0] if channels == 1 else array
    alpha = array[:, :, -1:].astype(np.uint16)
    flat = ((array[:, :, :-1] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return flat[:, :, 0] if channels == 2 else flat


def _is_grey(image: np.ndarray) -> bool:
    """Whether the three channels are alike; a coarse look settles it for most colour pages."""
    return all(
        np.array_equal(view[..., 0], view[..., 1]) and np.array_equal(view[..., 0], view[..., 2])
        for view in (image[::37, ::41], image)
    )


@dataclass(frozen=True)
class InkSettings:
    """Where paper ends and ink begins on a grey page."""

    bitonal_share: float = 0.97  # of pixels nearly black or white: nothing to decide
    paper_mm: float = 9.0  # the brightest tone within reach is paper; wider than a line of headline type
    stroke_mm: float = 2.0  # the darkest tone this near is what ink looks like here; about a letter's width
    contrast: float = 0.4  # of the way from paper to ink, so that faint pencil counts and dark print keeps its shape
    noise_sigmas: float = 5.0  # darker than the paper's grain
    fainter_max: float = 0.10  # share darker than paper at the least: shadows of folds and of the other side are 5-8 %
    fainter_min: float = 0.35  # and at the most, however grainy
    black: int = 60  # tone that is ink on any paper: the inside of large fills, which hold no paper to compare with


def _ink(grey: np.ndarray, dpi: float, settings: InkSettings = InkSettings()) -> np.ndarray:
    """Ink of a grey page, bool: darker than a share of the way from the local paper tone to the local ink tone."""
    tones = cv2.calcHist([grey], [0], None, [256], [0, 256]).ravel()
    if tones[16:240].sum() < (1 - settings.bitonal_share) * grey.size:
        return grey < 128
    small = cv2.resize(grey, None, fx=0.125, fy=0.125, interpolation=cv2.INTER_AREA)
    reach = max(3, round(settings.paper_mm / MM_PER_INCH * dpi / 8)) | 1
    paper = cv2.GaussianBlur(cv2.dilate(small, np.ones((reach, reach), np.uint8)), (0, 0), reach)
    near = max(3, round(settings.stroke_mm / MM_PER_INCH * dpi / 8)) | 1
    dark = cv2.resize(cv2.erode(grey, np.ones((8, 8), np.uint8))[4::8, 4::8], small.shape[::-1], interpolation=0)
    dark = cv2.blur(cv2.erode(dark, np.ones((near, near), np.uint8)), (near, near))
    limit = np.minimum(
        paper * _clean_share(grey, paper, settings), paper - settings.contrast * (paper - dark.astype(np.float32))
    )
    limit = np.maximum(limit, settings.black).astype(np.uint8)
    limit = cv2.resize(limit, grey.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return cv2.compare(grey, limit, cv2.CMP_LT) != 0


def _clean_share(grey: np.ndarray, paper: np.ndarray, settings: InkSettings) -> float:
    """The share of the paper's tone below which its grain does not reach, from the flank of the page's histogram."""
    sample = grey[2::4, 2::4]
    around = cv2.resize(paper, sample.shape[::-1], interpolation=cv2.INTER_LINEAR)
    light = around > 100
    percent = np.minimum(100.0 * sample[light] / around[light], 127).astype(np.uint8)
    counts = np.convolve(np.bincount(percent, minlength=128), np.ones(3) / 3, "same")
    mode = 60 + int(np.argmax(counts[60:]))
    half = int(np.flatnonzero(counts[: mode + 1] < counts[mode] / 2).max(initial=0))
    sigma = (mode - half) / 1.18  # of a normal distribution, from its half width at half maximum
    share = mode - max(settings.noise_sigmas * sigma, 100 * settings.fainter_max)
    return max(share, 100 * (1 - settings.fainter_min)) / 100


def _feet(grey: np.ndarray) -> np.ndarray:
    """Lower edges of the ink at quarter size, bool: letters leave their feet there, dark areas no more than a line."""
    small = cv2.resize(grey, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    paper = cv2.GaussianBlur(cv2.dilate(small, np.ones((9, 9), np.uint8)), (0, 0), 9)
    ink = small < 0.75 * paper
    return ink[:-1] & ~ink[1:]


def _skew(feet: np.ndarray) -> float:
    y, x = np.nonzero(feet)
    if len(y) < 200:  # a few words
        return 0.0
    y = y + x * 0.618 % 1 + 0.05 * feet.shape[1]  # between the pixels, or 0 degrees always wins; the corners move out
    x = x - feet.shape[1] / 2

    def sharpness(angle: float) -> float:
        rows = (y + x * math.tan(math.radians(angle))).astype(np.int32)
        profile = np.bincount(np.maximum(rows, 0)).astype(np.float64)
        return float(profile @ profile)

    coarse = max(np.arange(-5, 5.01, 0.25), key=sharpness)
    return round(float(max(coarse + np.arange(-0.2, 0.21, 0.05), key=sharpness)), 2) + 0.0


def _line_pitch(grey: np.ndarray, low_px: float, high_px: float) -> tuple[float, float]:
    """The commonest distance between lines, in page pixels, and the autocorrelation there (-1..1)."""
    feet = _feet(grey)
    turn = cv2.getRotationMatrix2D((feet.shape[1] / 2, feet.shape[0] / 2), -_skew(feet), 1)
    level = cv2.warpAffine(feet.astype(np.float32), turn, feet.shape[::-1], flags=cv2.INTER_NEAREST)
    low, high = max(2, round(low_px / 4)), min(round(high_px / 4), feet.shape[0] // 3)
    if high <= low:
        return 0.0, 0.0
    total = np.zeros(high + 2)
    for strip in np.array_split(level, 6, axis=1):  # columns and skewed copies keep their own rhythm
        profile = strip.sum(1, keepdims=True)
        profile = (cv2.blur(profile, (1, 3)) - cv2.blur(profile, (1, 2 * high + 1)))[:, 0]
        total += np.fft.irfft(np.abs(np.fft.rfft(profile, 2 * len(profile))) ** 2)[: high + 2]
    strengths = total[low : high + 1]
    peaks = (strengths >= total[low - 1 : high]) & (strengths >= total[low + 1 : high + 2])
    good = np.flatnonzero(peaks & (strengths > 0.8 * strengths.max()))  # every second line is as regular as every line
    if not good.size:
        return 0.0, 0.0
    peak = low + int(good[0])
    before, at, after = total[peak - 1 : peak + 2]
    bend = before - 2 * at + after
    shift = (before - after) / (2 * bend) if bend < 0 else 0.0
    return 4 * (peak + float(np.clip(shift, -0.5, 0.5))), float(at / max(total[0], 1e-9))


def _believed_dpi(image: np.ndarray, stated: Any) -> tuple[float, str, tuple[str, ...]]:
    """The dpi to work with, whether the ``file`` gave it or it is ``estimated``, and a warning if there is cause.

    A stated dpi is believed if it makes the page as large as paper is; one that makes it odd (a photograph marked 72
    or 300 by default) only if its lines then stand as a typewriter sets them. An estimate takes the page for letter,
    legal or A4 by its shape, and a scrap of another shape by its lines: on 130 scans of known dpi the shape is off by
    0.5 % in the median and by less than 10 % on 95 of 100, the line pitch alone by 6 % and on 60.
    """
    settings = ScanSettings()
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    across, down = _numbers(stated)
    dpi = math.sqrt(across * down)
    notes: tuple[str, ...] = ()
    long_px = max(grey.shape)
    if settings.dpi_min <= dpi <= settings.dpi_max:
        if max(across, down) > 1.1 * min(across, down):
            notes = (f"the file says {across:.0f} dpi across and {down:.0f} down: {dpi:.0f} taken for both",)
        long_in = long_px / dpi
        longest = settings.default_long_in if dpi <= settings.default_dpi else settings.page_long_in[1]
        if settings.page_long_in[0] <= long_in <= longest:
            return dpi, "file", notes
        if settings.sheet_long_in[0] <= long_in <= settings.sheet_long_in[1]:
            if long_in > settings.page_long_in[1] and dpi >= settings.big_sheet_dpi:
                return dpi, "file", notes
            pitch, strength = _line_pitch(grey, dpi / 7, dpi / 2.5)
            if strength >= settings.pitch_strength and any(
                abs(math.log(pitch * n / dpi)) < settings.pitch_error for n in settings.lines_per_inch
            ):
                return dpi, "file", notes
    shape = long_px / min(grey.shape)
    if 1.2 <= shape <= 1.75:
        estimate, ground = long_px / (11.0 if shape < 1.38 else 11.69 if shape < 1.5 else 14.0), "page size"
    else:
        estimate, ground = min(grey.shape) / 8.5, "page width"
        pitch, strength = _line_pitch(grey, 12, 120)
        if strength >= settings.pitch_strength:
            estimate, ground = pitch * settings.lines_per_inch[0], "line pitch"
    estimate = min(max(estimate, settings.dpi_min), settings.dpi_max)
    reason = "dpi missing in the file" if not dpi else f"the file says {dpi:.4g} dpi, which cannot be"
    return estimate, "estimated", (f"{reason}: {estimate:.0f} estimated from the {ground}",)


def _numbers(stated: Any) -> tuple[float, float]:
    """Two finite numbers above 0 from whatever stands in a file, or 0, 0."""
    try:
        across, down = (float(v) for v in stated)
    except (TypeError, ValueError, ZeroDivisionError):
        return 0.0, 0.0
    good = math.isfinite(across) and math.isfinite(down) and across > 0 and down > 0
    return (across, down) if good else (0.0, 0.0)
