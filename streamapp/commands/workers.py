"""``streamapp workers``: who works, at what, and how fast."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streamapp.errors import Code, StreamappError
from streamapp.listing import show, show_json
from streamapp.signals import raise_on_signals, run_until_stopped

if TYPE_CHECKING:
    from collections.abc import Mapping

PATH = "/overview.json"

Data = Annotated[
    Path,
    typer.Option(
        "--data",
        envvar="DATA_DIR",
        help="The data folder of streamapp up, which tells where its workers are unless "
        "WORKERS_URL does.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line, for each worker.")]


def workers(*, data: Data = Path("data"), as_json: AsJson = False) -> None:
    """List the workers of the group, as any one of WORKERS_URL knows them.

    A line for each: its name; ready, starting, idle (there are more workers than partitions) or
    silent; photos a second in the last minute, photos in hand, partitions of all topics, child
    processes busy of those alive, seconds up, and address. What is not as it should be is told on
    standard error.

    Exit code 0 when all are ready; 1 when one is not, or none answers; 2 for a wrong usage.

    Try: streamapp workers, in the folder where ./ops/up runs; or WORKERS_URL=http://... streamapp
    workers --json
    """
    raise_on_signals()
    told = run_until_stopped(_overview(data.absolute()))
    lines = [*told["workers"], *({"worker": "?", "url": url} for url in told["silent"])]
    if as_json:
        for line in lines:
            show_json({"state": _state(line), **line})
    else:
        columns = (
            "worker",
            "state",
            "photos/s",
            "in hand",
            "partitions",
            "children",
            "up s",
            "address",
        )
        show(columns, map(_cells, lines))
        for notice in told["notices"]:
            typer.echo(f"streamapp: {notice}", err=True)
    raise typer.Exit(0 if all(_state(line) in {"ready", "idle"} for line in lines) else 1)


async def _overview(data: Path) -> Mapping[str, Any]:
    """The group as the first worker that answers tells of it."""
    from streamapp import addresses  # noqa: PLC0415 - as below, for help nobody need wait
    from streamapp.configuration.hidden import without_secrets  # noqa: PLC0415
    from streamapp.doctor.processes import ask  # noqa: PLC0415
    from streamapp.settings import read_settings  # noqa: PLC0415

    settings = read_settings(data_dir=data, **addresses.overrides(data))
    for url in settings.workers_url.split(","):
        answer = await ask(url.strip().rstrip("/") + PATH)
        if {"workers", "silent", "notices"} <= answer.members.keys():
            return answer.members
    asked = without_secrets(settings.workers_url)
    raise StreamappError(Code.WORKERS_AWAY, f"asked WORKERS_URL {asked}")


def _state(line: Mapping[str, Any]) -> str:
    if "ready" not in line:
        return "silent"
    if not line["ready"]:
        return "starting" if line["live"] else "standing"
    return "idle" if line["idle"] else "ready"


def _cells(line: Mapping[str, Any]) -> tuple[str, ...]:
    if "ready" not in line:
        return (line["worker"], _state(line), *[""] * 5, line["url"])
    children = line["children"]
    return (
        line["worker"],
        _state(line),
        f"{line['rate']:.1f}",
        str(line["inHand"]),
        str(line["partitions"]),
        f"{children['busy']}/{children['alive']}",
        f"{line['upS']:.0f}",
        line["url"],
    )
