"""Page *overview*: the workers, and what somebody has to know first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from streamapp.stream.pages import batches, lanes

if TYPE_CHECKING:
    from streamapp.stream.pages.report import Children, Group, Service, Versions


class Line(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A worker."""

    worker: str
    url: str
    ready: bool
    live: bool
    idle: bool
    why: tuple[str, ...]
    up_s: float
    rate: float
    in_hand: int
    partitions: int
    children: Children
    away: tuple[str, ...]
    versions: Versions


class Overview(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The group: ``notices`` are sentences on what is not as it should be."""

    notices: tuple[str, ...]
    workers: tuple[Line, ...]
    silent: tuple[str, ...]
    rate: float
    waiting: dict[str, int]
    under_way: int


def of(group: Group) -> Overview:
    """The page's data."""
    return Overview(
        notices=tuple(_notices(group)),
        workers=tuple(
            Line(
                worker=each.worker,
                url=each.url,
                ready=each.ready,
                live=each.live,
                idle=each.idle,
                why=each.why,
                up_s=max(0.0, each.at - each.started_at),
                rate=each.rate,
                in_hand=each.in_hand,
                partitions=sum(map(len, each.partitions.values())),
                children=each.children,
                away=tuple(map(_away, filter(lambda service: service.is_open, each.services))),
                versions=each.versions,
            )
            for each in group.reports
        ),
        silent=group.silent,
        rate=sum(each.rate for each in group.reports),
        waiting={topic.topic: topic.events for topic in lanes.of(group).topics},
        under_way=len(batches.of(group).under_way),
    )


def _away(service: Service) -> str:
    return service.name


def _notices(group: Group) -> list[str]:
    notices = [f"{url} does not answer." for url in group.silent]
    for each in group.reports:
        notices += [f"{each.worker}: {why}" for why in each.why]
    if idle := [each.worker for each in group.reports if each.idle]:
        partitions = group.reports[0].partition_count
        notices.append(
            f"There are more workers than partitions ({partitions}): {', '.join(idle)} "
            f"{'has' if len(idle) == 1 else 'have'} nothing to do until another one ends."
        )
    if len({each.versions for each in group.reports}) > 1:
        notices.append("The workers are not all of the same version.")
    return notices
