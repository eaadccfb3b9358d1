"""Rows for whoever reads them: a table on a terminal, lines with tabs in a pipe, or lines of JSON.

What others named stays on its line, and is nothing that a terminal would obey. Colours are for
terminals alone.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

STYLES = {
    "ok": "green",
    "ready": "green",
    "completed": "green",
    "warn": "yellow",
    "starting": "yellow",
    "cancelled": "yellow",
    "environment": "bold",
    "fail": "bold red",
    "failed": "red",
    "silent": "bold red",
    "standing": "bold red",
}
"""Of cells that say just this."""


def show(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """The rows, of as many cells each as there are ``columns``; these are a terminal's only."""
    if not sys.stdout.isatty():
        for row in rows:
            typer.echo("\t".join(map(printable, row)))
        return
    table = Table(*columns, box=None, pad_edge=False, header_style="dim")
    for column in table.columns:
        column.overflow = "fold"
    for row in rows:
        table.add_row(*(Text(printable(cell), STYLES.get(cell, "")) for cell in row))
    Console().print(table)


def show_json(members: Mapping[str, object]) -> None:
    """One object, on a line."""
    typer.echo(msgspec.json.encode(members))


def printable(text: str) -> str:
    """One line, and nothing that a terminal would obey."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )
