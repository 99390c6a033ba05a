"""Page scans: files, arrays and Pillow images in, :class:`Scan` out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import pypdfium2 as pdfium
from PIL import Image, ImageOps

from redactlib.errors import ScanError
from redactlib.marks import Box

MM_PER_INCH = 25.4


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
        """Where the page is inked: bool ``(H, W)``; a bitonal page as it is, others against their local paper tone."""
        grey = self.grey
        if float(np.mean((grey < 16) | (grey > 239))) > 0.97:
            return grey < 128
        paper = cv2.resize(grey, None, fx=0.125, fy=0.125, interpolation=cv2.INTER_AREA)
        size = max(3, round(self.mm(9) / 8)) | 1
        paper = cv2.GaussianBlur(cv2.dilate(paper, np.ones((size, size), np.uint8)), (0, 0), size)
        paper = cv2.resize(paper, (self.width, self.height), interpolation=cv2.INTER_LINEAR)
        return grey.astype(np.int16) < np.maximum(paper.astype(np.int16) * 0.72, 60)

    def mm(self, millimetres: float) -> float:
        """A length on paper in pixels of this page."""
        return millimetres / MM_PER_INCH * self.dpi

    def upright(self, quarter_turns: int) -> Scan:
        """The page turned counter-clockwise by quarter turns, as a new scan; overlays turn with it."""
        k = quarter_turns % 4
        if not k:
            return self
        overlays = tuple(replace(o, box=turn_box(o.box, k, self.width, self.height)) for o in self.overlays)
        return replace(self, image=np.ascontiguousarray(np.rot90(self.image, k)), turned=(self.turned + k) % 4, overlays=overlays)


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


def open_scans(path: str | Path, *, dpi: float | None = None) -> Iterator[Scan]:
    """Yield the pages of a file, one :class:`Scan` at a time."""
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ScanError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from error
    sha256 = hashlib.sha256(data).hexdigest()
    if data[:1024].lstrip().startswith(b"%PDF"):
        document = pdfium.PdfDocument(data)
        for number, page in enumerate(document, 1):
            native = [72 * o.get_px_size()[0] / page.get_width() for o in page.get_objects() if o.type == 3]
            scale_dpi = dpi or min(400.0, max(native, default=200.0))
            image = page.render(scale=scale_dpi / 72).to_numpy()[:, :, :3][:, :, ::-1]
            grey = image[:, :, 0]
            if np.array_equal(grey, image[:, :, 1]) and np.array_equal(grey, image[:, :, 2]):
                image = grey
            yield Scan(np.ascontiguousarray(image), scale_dpi, path=str(path), page=number, pages=len(document), sha256=sha256)
        return
    picture = ImageOps.exif_transpose(Image.open(path))
    given = picture.info.get("dpi")
    image = np.asarray(picture.convert("L" if picture.mode in ("1", "L") else "RGB"))
    yield Scan(image, float(dpi or (given[0] if given else 300)), path=str(path), sha256=sha256)
