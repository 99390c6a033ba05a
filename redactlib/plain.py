"""Values to plain JSON types and back, by their dataclasses: what is wrong in foreign data is named by its path.

JSON may come from anywhere, so nothing here trusts its depth, its length or its numbers.
"""

from __future__ import annotations

import json
import math
import re
import reprlib
import types
from collections.abc import Iterable
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from redactlib import marks as m
from redactlib.errors import ReportError

STATUSES = m.DECISIONS - {"provenance", "none"} | {"withheld", "unmarked"}
"""What a page can be: the decision that opened it, what alone stands on it, or nothing at all."""

KINDS: dict[str, Any] = {c.kind: c for c in get_args(m.Mark)}
"""The dataclass of each kind of mark."""

MAX_JSON_CHARS = 64_000_000  # a page of 10,000 marks with their evidence stays below a tenth of this
MAX_DEPTH = 40  # nesting of the evidence; what the library writes stays below ten


def to_plain(value: Any) -> Any:
    """Dataclasses to dicts, tuples to lists, numpy to Python; a number that JSON does not know becomes ``None``."""
    if is_dataclass(value) and not isinstance(value, type):
        data = {f.name: to_plain(getattr(value, f.name)) for f in fields(value) if f.name != "picture"}
        if not data.get("evidence", True):
            del data["evidence"]
        if isinstance(value, m.Mark):
            data = {"id": data.pop("id"), "kind": value.kind} | data
        if isinstance(value, m.Redaction) and not value.polygon:
            x0, y0, x1, y1 = data["box"]
            data["polygon"] = [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]
        return data
    if hasattr(value, "tolist"):  # numpy's arrays and scalars
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


VOCABULARY: dict[tuple[str, str], Iterable[str]] = {
    ("Declassification", "status"): STATUSES,
    ("Event", "decision"): m.DECISIONS,
    ("Stamp", "decision"): m.DECISIONS,
    ("Redaction", "style"): m.STYLES,
    ("Handwriting", "role"): m.ROLES,
    ("Bracket", "side"): ("open", "close"),
    ("Bracket", "form"): ("drawn", "typed"),
}
DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?", re.ASCII)


def from_plain(kind: Any, value: Any, where: str = "") -> Any:
    """Read plain data as a value of type `kind`, which is spelt as in the dataclasses; `where` is its path."""
    options = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
    if value is None and type(None) in options:
        return None
    if m.Stamp in options:
        return _read_dataclass(_kind_of(value, where), value, where)
    kind = options[0]
    if kind is Any:
        return value
    if is_dataclass(kind):
        return _read_dataclass(kind, value, where)
    if get_origin(kind) is tuple:
        return _read_tuple(get_args(kind), value, where)
    if get_origin(kind) is dict:
        return _read_evidence(value, where)
    wanted: dict[Any, tuple[Any, str]] = {
        str: (str, "a text"),
        bool: (bool, "true or false"),
        int: (int, "an integer"),
        float: ((int, float), "a number"),
    }
    accepted, said = wanted[kind]
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise _wrong(where, said + (" or null" if type(None) in options else ""), value)
    if kind in (int, float) and not abs(value) < 2**53:  # also refuses NaN
        raise _wrong(where, f"{said} below 2**53", value)
    return float(value) if kind is float else value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _read_dataclass(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise _wrong(where, "an object", value)
    found: dict[str, Any] = {}
    for f in fields(kind):
        path = f"{where}.{f.name}".lstrip(".")
        if f.name == "picture":
            continue
        if f.name not in value:
            if f.default is MISSING and f.default_factory is MISSING:
                raise ReportError(f"{path}: is missing; every {kind.__name__} has one (null where it is unknown)")
            continue
        found[f.name] = item = from_plain(_hints(kind)[f.name], value[f.name], path)
        words = VOCABULARY.get((kind.__name__, f.name))
        if words is not None and item not in words:
            raise _wrong(path, "one of " + ", ".join(sorted(words)), item)
        if f.name == "box" and not (item[0] <= item[2] and item[1] <= item[3]):
            raise _wrong(path, "[x0, y0, x1, y1] with x0 <= x1 and y0 <= y1", list(item))
        if f.name == "confidence" and item is not None and not 0 <= item <= 1:
            raise _wrong(path, "a number from 0 to 1", item)
        if f.name == "date" and item is not None and not DATE.fullmatch(item):
            raise _wrong(path, "YYYY-MM-DD, YYYY-MM or YYYY", item)
    return kind(**found)


def _read_tuple(parts: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise _wrong(where, "a list", value)
    if parts[-1] is Ellipsis:
        parts = parts[:1] * len(value)
    if len(value) != len(parts):
        raise _wrong(where, f"a list of {len(parts)}", value)
    return tuple(
        from_plain(part, item, f"{where}[{i}]") for i, (part, item) in enumerate(zip(parts, value, strict=True))
    )


def _read_evidence(value: Any, where: str) -> dict[str, Any]:
    """Evidence has no fixed form; it only has to be an object that is not nested without end."""
    if not isinstance(value, dict):
        raise _wrong(where, "an object", value)
    layer: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        layer = [item for part in layer for item in (part.values() if isinstance(part, dict) else part)]
        layer = [item for item in layer if isinstance(item, dict | list | tuple)]
        if not layer:
            return value
    raise ReportError(f"{where}: nested more than {MAX_DEPTH} deep; redactlib writes no such evidence")


def _kind_of(value: Any, where: str) -> type:
    kind = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise _wrong(f"{where}.kind" if isinstance(value, dict) else where, "one of " + ", ".join(KINDS), kind or value)
    return KINDS[kind]


def _wrong(where: str, expected: str, got: Any) -> ReportError:
    return ReportError(f"{where or 'report'}: expected {expected}, got {type(got).__name__} ({reprlib.repr(got)})")


def check_schema(data: Any, wanted: str) -> None:
    found = data.get("schema") if isinstance(data, dict) else None
    if found != wanted:
        raise _wrong("schema" if isinstance(data, dict) else "", f"a report of schema {wanted!r}", found)


def load_json(text: str | bytes) -> Any:
    if len(text) > MAX_JSON_CHARS:
        raise ReportError(
            f"report of {len(text)} characters; one has at most {MAX_JSON_CHARS}: is this a report at all?"
        )
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ReportError(f"not JSON that can be read as a report: {str(error)[:120]}") from error
