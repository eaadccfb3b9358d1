"""``streamapp doctor``: everything around is looked at, and what to do is said."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from streamapp.commands.config import known_variables
from streamapp.errors import StreamappError
from streamapp.listing import show, show_json
from streamapp.signals import raise_on_signals, run_until_stopped
from streamapp.uploader_address import HERE, Address

if TYPE_CHECKING:
    from streamapp.doctor.finding import Finding

Data = Annotated[
    Path,
    typer.Option(
        "--data",
        envvar="DATA_DIR",
        help="The data folder of streamapp up, which tells where its broker and workers are "
        "unless KAFKA_BOOTSTRAP and WORKERS_URL do.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line, for each check.")]


def doctor(
    context: typer.Context,
    *,
    url: Address = HERE,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Look at everything around, and say what to do.

    Settings, versions, model and disk; Kafka and its topics; whether objects can be written, read
    and removed, and rows written; whether uploader and workers answer; and whether their clocks
    agree with ours. All at once, for 15 seconds at most each. Nothing is left behind.

    A line for each: its name, ok, warn or fail, what was found, and what to do about it.

    Exit code 0 when nothing fails, also with warnings; 1 when something does; 2 for a wrong usage.

    Try: streamapp doctor, in the folder where ./ops/up runs; or with the environment of a worker
    """
    raise_on_signals()
    for client in ("aiokafka", "urllib3", "asyncio"):  # what is away is told here
        logging.getLogger(client).addHandler(logging.NullHandler())
    found = run_until_stopped(_examine(known_variables(context), data.absolute(), url))
    if as_json:
        for each in found:
            show_json(msgspec.to_builtins(each))
    else:
        columns = ("check", "verdict", "found", "what to do")
        show(columns, [(each.check, each.verdict, each.found, each.advice) for each in found])
    raise typer.Exit(1 if any(each.verdict == "fail" for each in found) else 0)


async def _examine(known: set[str], data: Path, url: str) -> list[Finding]:
    # Imported here: whoever asks for help need not wait for the clients.
    from streamapp import addresses  # noqa: PLC0415
    from streamapp.doctor import machine  # noqa: PLC0415
    from streamapp.doctor.examination import examine  # noqa: PLC0415
    from streamapp.settings import read_settings  # noqa: PLC0415

    first = machine.settings(known)
    if first.verdict == "fail":  # nothing else can be looked at
        return [first]
    try:
        where = addresses.overrides(data)
    except StreamappError:  # the look at the disk tells what is wrong with the folder
        where = {}
    return [first, *await examine(read_settings(data_dir=data, **where), url)]
