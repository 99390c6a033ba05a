"""PDF files written by hand, good and evil, for the tests."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence

PADDING = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")


def pdf(objects: Sequence[bytes], trailer: bytes = b"") -> bytes:
    """A file of the given objects, numbered from 1; the first is the catalogue."""
    out = b"%PDF-1.7\n"
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    return out + b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (
        size,
        table,
        size,
        trailer,
        len(out),
    )


def stream(data: bytes, entries: bytes = b"", *, deflate: bool = False) -> bytes:
    if deflate:
        data, entries = zlib.compress(data, 9), entries + b"/Filter/FlateDecode"
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (entries, len(data), data)


def page(content: bytes, *, entries: bytes = b"", extra: Sequence[bytes] = (), trailer: bytes = b"") -> bytes:
    """A PDF of one letter page with Helvetica as ``/F``; `extra` objects are numbered from 6."""
    return pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
            b"/Resources<</Font<</F 5 0 R>>/XObject<</X 6 0 R>>>>%s>>" % entries,
            stream(content),
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            *extra,
        ],
        trailer,
    )


def say(text: str, x: float, y: float, *, size: int = 12) -> bytes:
    return b"BT /F %d Tf %f %f Td (%s) Tj ET\n" % (size, x, y, text.encode())


def picture(pixels: bytes, width: int, height: int, *, bits: int = 1, space: bytes = b"/DeviceGray") -> bytes:
    entries = b"/Type/XObject/Subtype/Image/Width %d/Height %d/BitsPerComponent %d/ColorSpace%s" % (
        width,
        height,
        bits,
        space,
    )
    return stream(pixels, entries, deflate=True)


def nested_forms(depth: int, fan: int) -> bytes:
    """A page whose forms unfold into ``fan ** depth`` rectangles."""
    forms = [
        stream(
            b"/X Do " * fan,
            b"/Type/XObject/Subtype/Form/BBox[0 0 612 792]/Resources<</XObject<</X %d 0 R>>>>" % (7 + level),
        )
        for level in range(depth - 1)
    ]
    leaf = stream(b"0 0 10 10 re f", b"/Type/XObject/Subtype/Form/BBox[0 0 612 792]")
    return page(b"/X Do " * fan, extra=[*forms, leaf])


def encrypted(password: str) -> bytes:
    """A PDF of one page that opens only with a password (standard handler, revision 2, 40-bit RC4)."""
    key_of = (password.encode() + PADDING)[:32]
    owner = _rc4(hashlib.md5(key_of).digest()[:5], key_of)
    document_id = b"0123456789abcdef"
    key = hashlib.md5(key_of + owner + (-4 & 0xFFFFFFFF).to_bytes(4, "little") + document_id).digest()[:5]
    entries = b"/Filter/Standard/V 1/R 2/P -4/O<%s>/U<%s>" % (
        owner.hex().encode(),
        _rc4(key, PADDING).hex().encode(),
    )
    content_key = hashlib.md5(key + bytes([4, 0, 0, 0, 0])).digest()[:10]
    plain = b"0 0 300 300 re f"
    return pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R>>",
            stream(_rc4(content_key, plain)),
        ],
        b"/Encrypt<<%s>>/ID[<%s><%s>]" % (entries, document_id.hex().encode(), document_id.hex().encode()),
    )


def _rc4(key: bytes, data: bytes) -> bytes:
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    out = bytearray()
    i = j = 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)
