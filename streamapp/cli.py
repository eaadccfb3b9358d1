"""The command ``streamapp``. Exit codes: 0 done, 1 failed with a code of the catalogue, 2 usage."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streamapp.errors import StreamappError
from streamapp.settings import read_settings

if TYPE_CHECKING:
    from streamapp.settings import Settings

app = typer.Typer(
    name="streamapp",
    help="Face crops of whole archives of photos, exact and restartable, over Kafka.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

DataFolder = Annotated[
    Path, typer.Option("--data", help="Folder of everything the installation keeps.")
]
Workers = Annotated[int, typer.Option(min=1, max=64, help="Worker processes.")]


@app.command()
def run(
    archives: Annotated[
        list[Path],
        typer.Argument(metavar="ZIP…", exists=True, dir_okay=False, help="Archives of photos."),
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder for crops/ and results.csv.")] = Path(
        "out"
    ),
    workers: Workers = 1,
) -> None:
    """Crop the faces of ZIPs with everything embedded, then stop again.

    Starts Kafka, an uploader and workers on this machine, uploads each ZIP, waits for the last
    photo and writes the crops and results.csv. Needs nothing installed and leaves only DIR.
    """
    # Imported here, as below: each command loads only what it runs.
    from streamapp.meter import Meter  # noqa: PLC0415
    from streamapp.run import run_job  # noqa: PLC0415

    summary = run_job(archives, out, read_settings(), workers=workers, meter=Meter())
    counts = summary.counts
    typer.echo(
        f"{counts.photos} photos: {counts.faces} with a face, {counts.without_face} without, "
        f"{counts.failed} failed; {summary.work_s:.1f} s. Crops and results.csv are in {out}."
    )


@app.command()
def up(
    port: Annotated[int, typer.Option(min=0, max=65_535, help="The uploader's port.")] = 8000,
    data: DataFolder = Path("data"),
    workers: Workers = 1,
) -> None:
    """Run the whole service embedded until Ctrl-C or SIGTERM.

    Broker, uploader and workers; objects in a folder, rows in SQLite. What lies in the data folder
    survives a restart. Prints the addresses when everything is ready.
    """
    from streamapp.embedded import Installation  # noqa: PLC0415

    stop = _stop_on_signals()
    settings = read_settings(data_dir=data.absolute())
    with Installation(settings, port=port, workers=workers) as installation:
        for name, address in installation.addresses.items():
            typer.echo(f"{name:12} {address}")
        typer.echo(
            f"ready        curl -F file=@photos.zip -F projectId=demo "
            f"{installation.url}/api/batch/upload-zip"
        )
        while not stop.wait(0.5):
            installation.watch()


@app.command()
def serve() -> None:
    """Run the uploader (HTTP); its settings come from the environment."""
    import uvicorn  # noqa: PLC0415

    from streamapp.wiring.uploader import uploader_app  # noqa: PLC0415

    settings = _settings_with_log()
    uvicorn.run(
        uploader_app(settings),
        host=settings.upload_host,
        port=settings.upload_port,
        root_path=settings.root_path,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=10,
    )


@app.command()
def worker() -> None:
    """Run a worker: expand, detect, tally, record, and its web views.

    Refuses to start when topics are missing or differ from the settings.
    """
    from connectors.kafka import admin  # noqa: PLC0415
    from streamapp.wiring.values import topics  # noqa: PLC0415
    from streamapp.wiring.worker import run_worker  # noqa: PLC0415

    settings = _settings_with_log()
    asyncio.run(admin.check(settings.kafka_bootstrap, topics(settings).specs()))
    run_worker(settings)


@app.command("topics")
def provision_topics() -> None:
    """Create the topics that are missing; refuse those that differ from the settings."""
    from connectors.kafka import admin  # noqa: PLC0415
    from streamapp.wiring.values import topics  # noqa: PLC0415

    settings = read_settings()
    created = asyncio.run(
        admin.provision(
            settings.kafka_bootstrap,
            topics(settings).specs(),
            replication_factor=settings.replication_factor,
        )
    )
    for spec in topics(settings).specs():
        state = "created" if spec.name in created else "present"
        typer.echo(f"{state}  {spec.name} ({spec.partitions} partitions)")


def main() -> None:
    """Run the command line; an error of the catalogue becomes a sentence and exit code 1."""
    try:
        app()
    except StreamappError as error:
        typer.echo(f"streamapp: {error.code.code}: {error}", err=True)
        raise SystemExit(1) from None


def _settings_with_log() -> Settings:
    settings = read_settings()
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    return settings


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop
