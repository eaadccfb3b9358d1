"""Page *services*: the circuit breakers of each worker, and its children."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from streamapp.stream.pages.report import Children, Group, Service


class Line(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A worker."""

    worker: str
    services: tuple[Service, ...]
    children: Children


class Services(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All workers that answered."""

    workers: tuple[Line, ...]


def of(group: Group) -> Services:
    """The page's data."""
    return Services(
        workers=tuple(
            Line(worker=each.worker, services=each.services, children=each.children)
            for each in group.reports
        )
    )
