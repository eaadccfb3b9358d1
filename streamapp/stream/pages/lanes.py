"""Page *lanes*: how much of each topic waits, in all and partition by partition."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from streamapp.stream.pages.report import Group, Lag


class Topic(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A topic: ``events`` wait, the most of them on the partition that is told first."""

    topic: str
    events: int
    partitions: tuple[Lag, ...]
    untold: int
    """Partitions of which nobody tells."""


class Lanes(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The topics in the order of a photo's path."""

    topics: tuple[Topic, ...]


def of(group: Group) -> Lanes:
    """The page's data."""
    by_topic: dict[str, dict[int, Lag]] = defaultdict(dict)
    for report in group.reports:
        for lag in report.lags:
            by_topic[lag.topic][lag.partition] = lag
    count = group.reports[0].partition_count
    return Lanes(
        topics=tuple(
            Topic(
                topic=name,
                events=sum(lag.events for lag in by_topic[name].values()),
                partitions=tuple(
                    sorted(by_topic[name].values(), key=lambda lag: (-lag.events, lag.partition))
                ),
                untold=count - len(by_topic[name]),
            )
            for name in group.reports[0].topics
        )
    )
