"""Drawn pages that remember their own truth: for tests that must know the answer, for fixtures, and for training.

A page is typed (:mod:`layouts`), stamped (:mod:`forms`), redacted (:mod:`redactions`), edited by hand
(:mod:`edits`), disturbed (:mod:`decoys`) and worn (:mod:`wear`) on a :class:`~redactlib.synth.canvas.Canvas` that notes
what it draws, as trackpy's ``SimulatedImage`` does. ``python -m redactlib.synth --out fixtures --fonts DIR`` draws the
fixtures again.
"""

from .fonts import Fonts, find_fonts
from .forms import FAMILIES
from .page import DrawnPage, Edit, Hiding, PageSpec, draw_forms, draw_page, draw_pages, random_spec
from .stamping import Stamping

__all__ = [
    "FAMILIES",
    "DrawnPage",
    "Edit",
    "Fonts",
    "Hiding",
    "PageSpec",
    "Stamping",
    "draw_forms",
    "draw_page",
    "draw_pages",
    "find_fonts",
    "random_spec",
]
