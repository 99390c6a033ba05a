"""``python -m redactlib.synth --out fixtures --fonts DIR``: draws the fixtures again."""

from __future__ import annotations

import argparse
from pathlib import Path

from .fixtures import draw_fixtures


def main() -> None:
    """Draws the fixture pages into a folder."""
    parser = argparse.ArgumentParser(
        prog="python -m redactlib.synth", description="Draw the fixture pages with their truth."
    )
    parser.add_argument("--out", type=Path, default=Path("fixtures"), help="folder to write to (fixtures)")
    parser.add_argument("--fonts", type=Path, help="folder of the type faces that fixtures/README.md names")
    args = parser.parse_args()
    names = draw_fixtures(args.out, fonts=args.fonts)
    print(f"{len(names)} pages drawn into {args.out}")


if __name__ == "__main__":
    main()
