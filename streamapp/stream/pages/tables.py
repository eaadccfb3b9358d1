"""Page *tables*: the progress table, its partitions, and how far each is recovered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from streamapp.stream.pages.report import Group, TablePartition


class Line(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A partition and the worker that has it."""

    worker: str
    table: TablePartition


class Tables(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """By partition; a partition that is not there belongs to nobody who answers."""

    partitions: tuple[Line, ...]
    missing: tuple[int, ...]


def of(group: Group) -> Tables:
    """The page's data."""
    lines = [
        Line(worker=report.worker, table=each) for report in group.reports for each in report.table
    ]
    there = {each.table.partition for each in lines}
    return Tables(
        partitions=tuple(sorted(lines, key=lambda each: (each.table.partition, each.worker))),
        missing=tuple(sorted(set(range(group.reports[0].partition_count)) - there)),
    )
