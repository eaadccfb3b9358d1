"""``streamapp replay``: batches that have ended are done again, wholly or what failed of them.

It talks to the store, to Kafka and to the workers directly, so its settings are a worker's.
"""

from __future__ import annotations

import logging
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streamapp.signals import Stopped, raise_on_signals, run_until_stopped

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamapp.errors import StreamappError
    from streamapp.replay import Choice
    from streamapp.replay_batches.job import Order
    from streamapp.replay_batches.lines import Told
    from streamapp.settings import Settings

Batches = Annotated[
    list[str] | None, typer.Argument(metavar="[BATCH]…", help="Batches, by their ids.")
]
Project = Annotated[
    str | None, typer.Option("--project", help="Instead: all batches of this project.")
]
Since = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="TIME",
        help="Instead: all batches that came since then: 2026-11-25T04:00 (UTC unless it says "
        "otherwise), or so long ago: 90m, 2h, 3d.",
    ),
]
Until = Annotated[
    str | None,
    typer.Option("--until", metavar="TIME", help="With --since: and before then."),
]
SinceOffset = Annotated[
    str | None,
    typer.Option(
        "--since-offset",
        metavar="[PARTITION:]OFFSET",
        help="Instead: all that the batch log tells of from this offset on, in one partition or "
        "in each.",
    ),
]
OnlyFailed = Annotated[bool, typer.Option("--failed", help="Only the photos that failed.")]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Another setting of how faces are found and cropped, as FACES=all; repeatable.",
    ),
]


def _finite(rate: float) -> float:
    if not math.isfinite(rate):
        raise typer.BadParameter(f"{rate} is no number of photos.")
    return rate


Rate = Annotated[
    float,
    typer.Option(
        "--rate",
        min=0,
        callback=_finite,
        help="Most photos a second, of all batches; 0: no limit.",
    ),
]
Priority = Annotated[
    int | None,
    typer.Option("--priority", min=1, max=10, help="1 is the most urgent. Else each batch's own."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only count; nothing is begun.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until the photos are worked off.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line, for each batch.")]
Data = Annotated[
    Path,
    typer.Option(
        "--data",
        envvar="DATA_DIR",
        help="The data folder of streamapp up, which tells where its broker and workers are "
        "unless KAFKA_BOOTSTRAP and WORKERS_URL do.",
    ),
]


def replay(
    batches: Batches = None,
    *,
    project: Project = None,
    since: Since = None,
    until: Until = None,
    since_offset: SinceOffset = None,
    failed: OnlyFailed = False,
    changes: Changes = None,
    rate: Rate = 0.0,
    priority: Priority = None,
    dry_run: DryRun = False,
    wait: Wait = False,
    as_json: AsJson = False,
    data: Data = Path("data"),
) -> None:
    """Do the photos of batches again, from the archives as they were taken in.

    Choose batches by their ids, by --project, by --since, or by --since-offset. Each starts its
    next run. Until a photo's turn comes its earlier outcome, crop and row stay as they are; then
    those of the new run take their place. What is counted never goes back, nothing counts twice.

    A batch that has not ended is passed over (refused, when you name it), and so is one whose
    archive is not there any more. Given twice, or by two at once, a replay begins once.

    Exit code 0 when the replays were begun (and have ended, with --wait), also when photos failed;
    1 when one was refused; 2 for a wrong usage.

    Try: streamapp replay --project demo --failed --dry-run, and then without --dry-run.

    Or all faces instead of the best: streamapp replay BATCH --set FACES=all --wait

    Or, gently, what came in the last two days: streamapp replay --since 2d --rate 20 --priority 10
    """
    raise_on_signals()
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())  # the job tells what is away
    # Imported here: a usage error need not wait for the clients.
    from streamapp.replay_batches.choosing import choice_of, pairs  # noqa: PLC0415
    from streamapp.replay_batches.job import Order  # noqa: PLC0415
    from streamapp.replay_batches.lines import json_line, summary, text  # noqa: PLC0415

    try:
        choice = choice_of(batches or [], project, since, until, since_offset, now=time.time())
        settings = pairs(changes or [])
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    order = Order(settings, priority, rate, only_failed=failed, dry=dry_run, wait=wait)
    told: list[Told] = []
    line = json_line if as_json else text

    def tell(batch: Told) -> None:
        told.append(batch)
        typer.echo(line(batch))

    try:
        well = run_until_stopped(_work_off(_settings(data, order), choice, order, tell))
    except Stopped:
        typer.echo("Stopped; what was begun goes on.", err=True)
        raise
    if not as_json and (dry_run or len(told) > 1 or not batches):
        typer.echo(summary(told, dry=dry_run))
    raise typer.Exit(0 if well else 1)


async def _work_off(
    settings: Settings, choice: Choice, order: Order, tell: Callable[[Told], None]
) -> bool:
    from streamapp.meter import Meter  # noqa: PLC0415
    from streamapp.replay_batches.job import Job  # noqa: PLC0415
    from streamapp.wiring.replay import replay as tools  # noqa: PLC0415

    async with tools(settings) as at_hand:
        return await Job(at_hand, Meter(), tell, _complain, _pass_over).work_off(choice, order)


def _settings(data: Path, order: Order) -> Settings:
    """Where everything is; the changes of the order are checked on the way."""
    from streamapp import addresses  # noqa: PLC0415
    from streamapp.settings import read_settings  # noqa: PLC0415

    settings = read_settings(data_dir=data.absolute(), **addresses.overrides(data))
    if order.settings:
        from streamapp.wiring.changes import overlaid  # noqa: PLC0415

        overlaid(settings, order.settings)
    return settings


def _complain(batch: str, error: StreamappError) -> None:
    typer.echo(f"streamapp: {batch}: {error.code.code}: {error}", err=True)


def _pass_over(batch: str) -> None:
    typer.echo(f"{batch}: still running, skipped", err=True)
