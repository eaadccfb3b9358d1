"""The command line of a benchmark."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path


def new_parser(command: str, what: str | None) -> argparse.ArgumentParser:
    """A parser for ``command``, explained by its module's docstring, that knows ``--page``."""
    parser = argparse.ArgumentParser(
        prog=command, description=what, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--page", type=Path, help="save the results page (and its plot) here")
    return parser


def parse_path(
    command: str, what: str | None, arguments: Sequence[str], *, photos: int, megapixels: float
) -> argparse.Namespace:
    """The options of what measures the whole path of an archive, with these defaults."""
    parser = new_parser(command, what)
    parser.add_argument(
        "--photos", type=int, default=photos, help=f"photos of the archive [{photos}]"
    )
    parser.add_argument("--repeats", type=int, default=3, help="runs that count [3]")
    parser.add_argument(
        "--megapixels", type=float, default=megapixels, help=f"of each photo [{megapixels:g}]"
    )
    return parser.parse_args(arguments)
