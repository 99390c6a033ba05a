"""Which type faces a drawn page is set in: the nicer ones of a folder where one is given, else those of matplotlib."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

# File name stems by use, the best first; the last of each row come with matplotlib, so every row finds one.
_STEMS = {
    "typewriter": (
        "GNUTypewriter", "special-elite-400", "courier-prime-400", "courier-prime-700", "cutive-mono-400",
        "LiberationMono-Regular", "LiberationMono-Bold", "cmtt10", "DejaVuSansMono", "DejaVuSansMono-Bold",
    ),
    "serif": ("LiberationSerif-Regular", "STIXGeneral", "DejaVuSerif"),
    "serif_bold": ("LiberationSerif-Bold", "STIXGeneralBol", "DejaVuSerif-Bold"),
    "sans": ("LiberationSans-Regular", "DejaVuSans"),
    "sans_bold": ("LiberationSans-Bold", "LiberationSansNarrow-Bold", "DejaVuSans-Bold"),
    "hand": ("homemade-apple-400", "cedarville-cursive-400", "reenie-beanie-400", "kalam-300", "kalam-400"),
}  # fmt: skip


@dataclass(frozen=True)
class Fonts:
    """Font files by use; ``hand`` may be empty, then all handwriting is drawn from pen strokes."""

    typewriter: tuple[str, ...]
    serif: tuple[str, ...]
    serif_bold: tuple[str, ...]
    sans: tuple[str, ...]
    sans_bold: tuple[str, ...]
    hand: tuple[str, ...]


@lru_cache(maxsize=4)
def find_fonts(folder: Path | None = None) -> Fonts:
    """Font files for drawing: those of ``folder`` first, and what a plain install has.

    Args:
        folder: holds ``.ttf`` files under the names that fixtures/README.md gives; ``None`` for none.

    Raises:
        FileNotFoundError: ``folder`` does not exist.

    >>> find_fonts().typewriter[-1].endswith("DejaVuSansMono-Bold.ttf")
    True
    """
    if folder is not None and not folder.is_dir():
        raise FileNotFoundError(f"no font folder {folder}: give one that exists, or none for matplotlib's own fonts")
    spec = find_spec("matplotlib")
    places = [Path(p) / "mpl-data" / "fonts" / "ttf" for p in (spec.submodule_search_locations or ())] if spec else []
    places = [folder, *places] if folder else places
    files = {f.stem: str(f) for place in reversed(places) for f in sorted(place.glob("*.ttf"))}
    return Fonts(**{use: tuple(files[stem] for stem in stems if stem in files) for use, stems in _STEMS.items()})


@lru_cache(maxsize=512)
def load(file: str, size_px: int) -> ImageFont.FreeTypeFont:
    """The face of a font file at a size in pixels an em."""
    return ImageFont.truetype(file, size_px)
