"""The steps by which a database gets to the schema of this code, from whatever it has.

A step is a file ``schema/DIALECT/NNNN_name.sql``, its statements end with ``;`` and the line. Those
that a database has are rows of its table ``streamapp_schema``; a table that an earlier release made
without it is taken over as it is, since the first step creates only what is missing. Steps are
added and never changed, and one may be done again after a crash: where DDL cannot be rolled back
(MySQL) each file is a single statement, and what it would make and finds there counts as made.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Literal, NamedTuple

from connectors.records.interface import SchemaStep
from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import Collection

Dialect = Literal["mysql", "sqlite"]

APPLIED = "SELECT version FROM streamapp_schema"
NOTE = "INSERT INTO streamapp_schema (version, name) VALUES (?, ?)"


class Migration(NamedTuple):
    """A step to the schema."""

    version: int
    name: str
    statements: tuple[str, ...]


def migrations(dialect: Dialect) -> list[Migration]:
    """All steps, in order."""
    folder = files("connectors.records") / "schema" / dialect
    found = sorted(
        (each for each in folder.iterdir() if each.name.endswith(".sql")),
        key=lambda each: each.name,
    )
    return [_migration(each.name, each.read_text("utf-8")) for each in found]


def pending(dialect: Dialect, applied: Collection[int]) -> list[Migration]:
    """The steps that a database with those ``applied`` still needs.

    Raises:
        StreamappError: ``RECORDS_NEWER``.
    """
    known = migrations(dialect)
    if beyond := set(applied) - {each.version for each in known}:
        raise StreamappError(
            Code.RECORDS_NEWER,
            f"it has version {max(beyond)}, this program knows {known[-1].version}",
        )
    return [each for each in known if each.version not in applied]


def steps(dialect: Dialect, applied: Collection[int]) -> list[SchemaStep]:
    """All steps, and whether a database has them.

    Raises:
        StreamappError: ``RECORDS_NEWER``.
    """
    missing = {each.version for each in pending(dialect, applied)}
    return [
        SchemaStep(version=each.version, name=each.name, applied=each.version not in missing)
        for each in migrations(dialect)
    ]


def _migration(file_name: str, sql: str) -> Migration:
    version, _, name = file_name.removesuffix(".sql").partition("_")
    statements = (each.strip() for each in sql.split(";\n"))
    return Migration(int(version), name, tuple(each for each in statements if each))
