"""Lists that come in pages: shown as they come, none is held whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from streamapp.listing import show, show_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from streamapp.client import Client

PAGE = 100

Limit = Annotated[int, typer.Option("--limit", min=0, help="Most lines; 0: all.")]


async def show_pages(
    client: Client,
    path: str,
    query: Mapping[str, str],
    *,
    member: str,
    cursor: str,
    limit: int,
    columns: Sequence[str],
    cells: Callable[[Mapping[str, Any]], Sequence[str]],
    as_json: bool,
) -> None:
    """Show the ``member`` of each page of the list at ``path``, up to ``limit`` in all.

    The next page begins where the last one says, by the parameter ``cursor``; ``cells`` makes the
    row of one.

    Raises:
        StreamappError: as the uploader answered.
    """
    asked = {name: value for name, value in query.items() if value}
    left = limit
    while True:
        size = min(PAGE, left) if limit else PAGE
        page = await client.ask("GET", path, params=asked | {"limit": str(size)})
        if as_json:
            for each in page[member]:
                show_json(each)
        elif page[member] or left == limit:
            show(columns, map(cells, page[member]))
        left -= len(page[member])
        if page["next"] is None or (limit and left <= 0):
            return
        asked[cursor] = str(page["next"])
