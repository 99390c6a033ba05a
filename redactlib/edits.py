"""What a hand made of a draft: insertions, strikes and bracketed passages, in reading order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from redactlib import marks as m


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One change that a hand made to the draft.

    Attributes:
        kind: ``insertion``, ``strike``, ``substitution`` (an insertion over a strike) or ``bracket``.
        before: what the draft said; `after`: what the hand made of it; ``None`` where it cannot be read.
        marks: ids of the marks on the page that it comes from.
        family: of a bracketed passage: what the brackets probably mean.
    """

    page: int
    kind: str
    box: m.Box
    before: str | None
    after: str | None
    marks: tuple[str, ...]
    confidence: float
    family: str | None = None


def marked_up(edits: Iterable[Edit]) -> str:
    """Edits as CriticMarkup, one a line: ``{++in++}``, ``{--out--}``, ``{~~out~>in~~}``, ``{==[bracketed]==}``.

    >>> one = dict(page=1, box=(0, 0, 9, 9), marks=("m1",), confidence=0.9)
    >>> print(marked_up([Edit(kind="substitution", before="shall", after="will", **one)]))
    p. 1: {~~shall~>will~~}
    """
    forms = {"insertion": "{++%s++}", "strike": "{--%s--}", "substitution": "{~~%s~>%s~~}", "bracket": "{==[%s]==}"}
    rows = []
    for edit in edits:
        parts = {"insertion": (edit.after,), "substitution": (edit.before, edit.after)}.get(edit.kind, (edit.before,))
        rows.append(f"p. {edit.page}: " + forms[edit.kind] % tuple("…" if part is None else part for part in parts))
    return "\n".join(rows)


def find_edits(marks: Sequence[m.Mark], *, page: int, dpi: float) -> list[Edit]:
    """The edits of one page in reading order; an insertion whose anchor lies in a strike replaces what is struck."""
    strikes = [mark for mark in marks if isinstance(mark, m.Handwriting) and mark.role == "strike"]
    found = []
    for mark in marks:
        if isinstance(mark, m.Handwriting) and mark.role == "insertion":
            over = next((s for s in strikes if mark.anchor and _inside(mark.anchor, s.box)), None)
            strikes = [s for s in strikes if s is not over]
            kind, parts = ("substitution", (over, mark)) if over else ("insertion", (mark,))
            found.append(_edit(page, kind, parts, over.struck_text if over else None, mark.text))
    found += [_edit(page, "strike", (strike,), strike.struck_text, None) for strike in strikes]
    closing = {mark.id: mark for mark in marks if isinstance(mark, m.Bracket) and mark.side == "close"}
    for mark in marks:
        if isinstance(mark, m.Bracket) and mark.side == "open" and not mark.struck:
            pair = (mark, closing[mark.pair]) if mark.pair in closing else (mark,)
            found.append(_edit(page, "bracket", pair, mark.text, mark.text, mark.family))
    # lines of typescript stand 1/6 inch apart: tops within half of that are on one line
    return sorted(found, key=lambda edit: (round(edit.box[1] / dpi * 12), edit.box[0]))


def _edit(
    page: int, kind: str, parts: Sequence[m.Mark], before: str | None, after: str | None, family: str | None = None
) -> Edit:
    return Edit(
        page=page,
        kind=kind,
        box=m.union(*(part.box for part in parts)),
        before=before,
        after=after,
        marks=tuple(part.id for part in parts),
        confidence=min(part.confidence for part in parts),
        family=family,
    )


def _inside(point: m.Point, box: m.Box) -> bool:
    return box[0] <= point[0] < box[2] and box[1] <= point[1] < box[3]
