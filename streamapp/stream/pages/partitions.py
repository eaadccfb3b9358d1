"""Page *partitions*: who has which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from streamapp.stream.pages.report import Group


class Topic(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A topic: per partition the workers that say they have it; one, when nothing moves."""

    topic: str
    owners: tuple[tuple[str, ...], ...]


class Partitions(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All topics that are shared out."""

    count: int
    topics: tuple[Topic, ...]


def of(group: Group) -> Partitions:
    """The page's data."""
    count = group.reports[0].partition_count
    return Partitions(
        count=count,
        topics=tuple(
            Topic(
                topic=topic,
                owners=tuple(
                    tuple(
                        report.worker
                        for report in group.reports
                        if number in report.partitions.get(topic, ())
                    )
                    for number in range(count)
                ),
            )
            for topic in group.reports[0].topics
        ),
    )
