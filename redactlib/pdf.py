"""The PDF engine in a process of its own: renders pages and finds rectangles that lie over live text.

:mod:`redactlib.scan` starts this file as a script, one process a document, for a PDF is a program, perhaps an enemy's:
nested forms can take hours and all memory to unfold, and the engine is C++. Here a watchdog ends a request that takes
too long, a memory limit the one that takes too much, and a crash takes only this process with it. Nothing of the
package is imported, so that it starts in a tenth of a second.

Requests are JSON lines on stdin: first ``{"path", "password"}``, then ``{"page", "dpi"}``. Each answer is a JSON line
on stdout; that of a page is followed by ``height * width * 3`` bytes, BGR.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import math
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any, BinaryIO

import pypdfium2 as pdfium
import pypdfium2.raw as raw

Rect = tuple[float, float, float, float]
Matrix = tuple[float, float, float, float, float, float]

VECTOR_DPI = 300.0  # a page drawn by a word processor: 6-point type then stands 25 pixels high
DPI_RANGE = (150.0, 400.0)  # of a scanned page; a finer scan costs time and reads no better
PAGE_PIXELS_MAX = 40e6  # a letter page has 8.4 million at 300 dpi, a sheet of 17 x 22 inches 34 million
WHOLE_PAGE = 0.6  # share of the page from which an image counts as the scan of that page
OBJECTS_MAX = 50_000  # drawn objects that are searched for overlays; a full page of text has about 3000
FORM_DEPTH_MAX = 8
OVERLAY_SIDE_MIN_PT = 4.0  # thinner than a line of small print: a rule, not a cover
MEMORY_MAX = 3 << 30  # bytes; a page of 40 million pixels takes 0.5 GB to render


def main() -> None:
    """Serve one document until stdin closes; a request may take as many seconds as the first argument says."""
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever the engine prints must not get between the answers
    with contextlib.suppress(ImportError, ValueError, OSError):  # Windows has no such limits
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
    seconds = float(sys.argv[1])
    document = None
    for line in sys.stdin.buffer:
        watchdog = threading.Timer(seconds, os._exit, (124,))
        watchdog.daemon = True
        watchdog.start()
        request = json.loads(line)
        try:
            if document is None:
                document = pdfium.PdfDocument(request["path"], password=request["password"])
                if document.get_formtype():
                    document.init_forms()
                _send(answer, {"pages": len(document)})
            else:
                _send_page(answer, document[request["page"] - 1], request["dpi"])
        except pdfium.PdfiumError as error:
            code = getattr(error, "err_code", None)
            no_pages = document is None and code == raw.FPDF_ERR_SUCCESS
            header = {"error": str(error), "encrypted": code == raw.FPDF_ERR_PASSWORD}
            _send(answer, {"pages": 0} if no_pages else header)
        watchdog.cancel()


def _send(answer: BinaryIO, header: dict[str, Any], pixels: Any = b"") -> None:
    answer.write(json.dumps(header).encode() + b"\n")
    answer.write(pixels)
    answer.flush()


def _send_page(answer: BinaryIO, page: pdfium.PdfPage, dpi: float | None) -> None:
    objects = list(_walk(page))
    width, height, dpi, source = _raster(page, objects, dpi)
    bitmap = pdfium.PdfBitmap.new_native(width, height, raw.FPDFBitmap_BGR)
    bitmap.fill_rect((255, 255, 255, 255), 0, 0, width, height)
    place = (0, 0, width, height, 0, raw.FPDF_ANNOT)
    raw.FPDF_RenderPageBitmap(bitmap, page, *place)
    if page.formenv:
        raw.FPDF_FFLDraw(page.formenv, bitmap, page, *place)
    overlays = [
        {"box": _pixels(page, rect, width, height), "kind": kind, "hidden_text": text, "certain": certain}
        for rect, kind, text, certain in _overlays(page, objects)
    ]
    header = {"width": width, "height": height, "dpi": dpi, "dpi_source": source, "overlays": overlays}
    header["searched"] = len(objects) < OBJECTS_MAX
    stride = bitmap.stride
    pixels: Any = memoryview(bitmap.buffer).cast("B")
    if stride != 3 * width:
        pixels = b"".join(pixels[row * stride : row * stride + 3 * width] for row in range(height))
    _send(answer, header, pixels)


def _walk(page: pdfium.PdfPage) -> Iterator[tuple[Any, int, Matrix]]:
    """Everything drawn on a page, in the order of drawing: the object, its type, the matrix of the form it is in."""
    stack: list[tuple[Any, int, int, Matrix, bool]] = [
        (page, 0, raw.FPDFPage_CountObjects(page), (1, 0, 0, 1, 0, 0), False)
    ]
    for _ in range(OBJECTS_MAX):
        while stack and stack[-1][1] >= stack[-1][2]:
            stack.pop()
        if not stack:
            return
        holder, index, count, matrix, is_form = stack.pop()
        stack.append((holder, index + 1, count, matrix, is_form))
        drawn = (raw.FPDFFormObj_GetObject if is_form else raw.FPDFPage_GetObject)(holder, index)
        kind = raw.FPDFPageObj_GetType(drawn)
        yield drawn, kind, matrix
        if kind == raw.FPDF_PAGEOBJ_FORM and len(stack) < FORM_DEPTH_MAX:
            stack.append((drawn, 0, raw.FPDFFormObj_CountObjects(drawn), _times(_matrix(drawn), matrix), True))


def _matrix(drawn: Any) -> Matrix:
    m = raw.FS_MATRIX()
    raw.FPDFPageObj_GetMatrix(drawn, m)
    return (m.a, m.b, m.c, m.d, m.e, m.f)


def _times(m: Matrix, n: Matrix) -> Matrix:
    """The matrix that does `m` first and `n` then."""
    a, b, c, d, e, f = m
    return (
        a * n[0] + b * n[2],
        a * n[1] + b * n[3],
        c * n[0] + d * n[2],
        c * n[1] + d * n[3],
        e * n[0] + f * n[2] + n[4],
        e * n[1] + f * n[3] + n[5],
    )


def _move(point: tuple[float, float], m: Matrix) -> tuple[float, float]:
    x, y = point
    return (x * m[0] + y * m[2] + m[4], x * m[1] + y * m[3] + m[5])


def _bounds(points: list[tuple[float, float]]) -> Rect:
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    return (min(xs), min(ys), max(xs), max(ys))


def _shared(a: Rect, b: Rect) -> float:
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))


def _size(r: Rect) -> float:
    return max(1e-9, (r[2] - r[0]) * (r[3] - r[1]))


def _raster(page: pdfium.PdfPage, objects: list, dpi: float | None) -> tuple[int, int, float, str]:
    """Pixels to render a page into, its dpi and whether the file or the caller gave it.

    A scanned page is rendered at the resolution of its image, pixel on pixel, so that bitonal scans stay bitonal.
    """
    page_width, page_height = page.get_size()
    source = "given" if dpi else "file"
    exact = None
    if dpi is None:
        dpi = VECTOR_DPI
        media = page.get_bbox()
        densities = []
        for drawn, kind, matrix in objects:
            if kind != raw.FPDF_PAGEOBJ_IMAGE:
                continue
            a, b, c, d, e, f = _times(_matrix(drawn), matrix)
            place = _bounds([(e, f), (e + a, f + b), (e + c, f + d), (e + a + c, f + b + d)])
            if _shared(place, media) < WHOLE_PAGE * _size(media):
                continue
            w, h = ctypes.c_uint(), ctypes.c_uint()
            if raw.FPDFImageObj_GetImagePixelSize(drawn, w, h) and math.hypot(a, b) > 0:
                turned = abs(b) > abs(a)
                if page.get_rotation() % 180:
                    turned = not turned
                densities.append(
                    (72 * w.value / math.hypot(a, b), (h.value, w.value) if turned else (w.value, h.value))
                )
        if densities:
            density, exact = max(densities)
            dpi = min(max(density, DPI_RANGE[0]), DPI_RANGE[1])
    dpi = min(dpi, 72 * math.sqrt(PAGE_PIXELS_MAX / max(1.0, page_width * page_height)))
    width, height = max(1, round(page_width * dpi / 72)), max(1, round(page_height * dpi / 72))
    if exact and abs(exact[0] - width) <= 2 and abs(exact[1] - height) <= 2:
        width, height = exact
    return width, height, dpi, source


def _overlays(page: pdfium.PdfPage, objects: list) -> list[tuple[Rect, str, str, bool]]:
    """Covers with live text below: rectangle in page points, kind, the text, and whether it is sure to hide it.

    A filled rectangle hides text that was drawn before it, unless an image was drawn over both or the same words were
    drawn again on top: backgrounds and shaded table rows come before their text and so hide nothing.
    """
    covers: list[tuple[Rect, str, int, bool]] = []
    images: list[tuple[int, Rect]] = []
    places: dict[int, tuple[int, ...]] = {}
    last: dict[tuple[int, ...], int] = {}  # the engine reports words that are drawn twice in one place once only
    sides = [ctypes.c_float() for _ in range(4)]
    for rank, (drawn, kind, matrix) in enumerate(objects):
        if kind == raw.FPDF_PAGEOBJ_TEXT:
            raw.FPDFPageObj_GetBounds(drawn, *sides)
            place = tuple(round(side.value) for side in sides)
            places[ctypes.addressof(drawn.contents)] = place
            last[place] = rank
        elif kind == raw.FPDF_PAGEOBJ_IMAGE:
            a, b, c, d, e, f = _times(_matrix(drawn), matrix)
            images.append((rank, _bounds([(e, f), (e + a, f + b), (e + c, f + d), (e + a + c, f + b + d)])))
        elif kind == raw.FPDF_PAGEOBJ_PATH:
            covers += [(rect, "rectangle", rank, True) for rect in _filled_rectangles(drawn, matrix)]
    covers = [c for c in covers if not any(r > c[2] and _shared(p, c[0]) > 0.5 * _size(c[0]) for r, p in images)]
    covers += [(rect, "annotation", len(objects), certain) for rect, certain in _annotations(page)]
    order = {address: last[place] for address, place in places.items()}
    characters = list(_characters(page, order)) if covers and order else []
    found: list[tuple[Rect, str, str, bool]] = []
    for rect, name, rank, certain in covers:
        inside = [c for c in characters if _shared(c[2], rect) > 0.5 * _size(c[2])]
        below = "".join(char for char, at, _ in inside if at < rank).strip()
        above = "".join(char for char, at, _ in inside if at > rank).strip()
        if below and below not in above and not any(o[2] == below and _shared(o[0], rect) > 0 for o in found):
            found.append((rect, name, " ".join(below.split()), certain))
    return found


def _characters(page: pdfium.PdfPage, order: dict[int, int]) -> Iterator[tuple[str, int, Rect]]:
    """Each character of the page's live text with the rank of its drawing and its box in points."""
    text = page.get_textpage()
    x0, x1, y0, y1 = (ctypes.c_double() for _ in range(4))
    rank = 0
    for index in range(min(text.count_chars(), OBJECTS_MAX)):
        drawn = raw.FPDFText_GetTextObject(text, index)
        if drawn:  # the engine makes spaces up between words: they go with the character before
            rank = order.get(ctypes.addressof(drawn.contents), rank)
        if raw.FPDFText_GetCharBox(text, index, x0, x1, y0, y1):
            code = raw.FPDFText_GetUnicode(text, index)
            char = chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"
            yield char, rank, (x0.value, y0.value, x1.value, y1.value)


def _filled_rectangles(drawn: Any, matrix: Matrix) -> list[Rect]:
    """Upright opaque rectangles that a path fills, thick straight strokes among them, in page points."""
    if raw.FPDFPageObj_HasTransparency(drawn):
        return []
    fill, stroke, line = ctypes.c_int(), ctypes.c_int(), ctypes.c_float()
    raw.FPDFPath_GetDrawMode(drawn, fill, stroke)
    raw.FPDFPageObj_GetStrokeWidth(drawn, line)
    whole = _times(_matrix(drawn), matrix)
    pen = line.value * math.sqrt(abs(whole[0] * whole[3] - whole[1] * whole[2])) / 2 if stroke.value else 0.0
    if not fill.value and pen < OVERLAY_SIDE_MIN_PT / 2:
        return []
    figures: list[list[tuple[float, float]]] = []
    x, y = ctypes.c_float(), ctypes.c_float()
    for index in range(min(raw.FPDFPath_CountSegments(drawn), 2000)):
        segment = raw.FPDFPath_GetPathSegment(drawn, index)
        raw.FPDFPathSegment_GetPoint(segment, x, y)
        if raw.FPDFPathSegment_GetType(segment) == raw.FPDF_SEGMENT_MOVETO or not figures:
            figures.append([])
        figures[-1].append(_move((x.value, y.value), whole))
    found = []
    for points in figures:
        left, bottom, right, top = _bounds(points)
        if fill.value and len(points) >= 4:
            twice = sum(
                p[0] * q[1] - q[0] * p[1] for p, q in zip(points, [*points[1:], points[0]], strict=True)
            )  # the shoelace formula
            if abs(twice) / 2 < 0.9 * _size((left, bottom, right, top)):
                continue
        elif len(points) == 2 and pen and min(right - left, top - bottom) < pen:
            upright = top - bottom > right - left
            grow = (pen, 0.0) if upright else (0.0, pen)
            left, right, bottom, top = left - grow[0], right + grow[0], bottom - grow[1], top + grow[1]
        else:
            continue
        if min(right - left, top - bottom) >= OVERLAY_SIDE_MIN_PT:
            found.append((left, bottom, right, top))
    return found


def _annotations(page: pdfium.PdfPage) -> Iterator[tuple[Rect, bool]]:
    """Marks for redaction, and drawn annotations, which hide text only if the page shows that they do (not certain)."""
    drawn = (
        raw.FPDF_ANNOT_SQUARE,
        raw.FPDF_ANNOT_HIGHLIGHT,
        raw.FPDF_ANNOT_INK,
        raw.FPDF_ANNOT_STAMP,
        raw.FPDF_ANNOT_LINE,
    )
    for index in range(min(raw.FPDFPage_GetAnnotCount(page), 5000)):
        annotation = raw.FPDFPage_GetAnnot(page, index)
        kind = raw.FPDFAnnot_GetSubtype(annotation)
        if kind == raw.FPDF_ANNOT_REDACT or kind in drawn:
            quads = [raw.FS_QUADPOINTSF() for _ in range(min(raw.FPDFAnnot_CountAttachmentPoints(annotation), 500))]
            for number, q in enumerate(quads):
                raw.FPDFAnnot_GetAttachmentPoints(annotation, number, q)
            rect = raw.FS_RECTF()
            raw.FPDFAnnot_GetRect(annotation, rect)
            places = [_bounds([(q.x1, q.y1), (q.x2, q.y2), (q.x3, q.y3), (q.x4, q.y4)]) for q in quads]
            for place in places or [_bounds([(rect.left, rect.bottom), (rect.right, rect.top)])]:
                yield place, kind == raw.FPDF_ANNOT_REDACT
        raw.FPDFPage_CloseAnnot(annotation)


def _pixels(page: pdfium.PdfPage, rect: Rect, width: int, height: int) -> list[int]:
    x, y = ctypes.c_int(), ctypes.c_int()
    corners: list[tuple[float, float]] = []
    for px, py in ((rect[0], rect[1]), (rect[2], rect[3])):
        raw.FPDF_PageToDevice(page, 0, 0, width, height, 0, px, py, x, y)
        corners.append((min(max(x.value, 0), width), min(max(y.value, 0), height)))
    return [int(v) for v in _bounds(corners)]


if __name__ == "__main__":
    main()
