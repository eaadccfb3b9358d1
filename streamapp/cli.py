"""The command ``streamapp``.

Exit codes: 0 done, 1 failed with a code of the catalogue, 2 usage, 130 and 143 stopped by SIGINT or
SIGTERM before it was done.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streamapp import addresses, logs
from streamapp.commands.batches import batches
from streamapp.commands.cancel import cancel
from streamapp.commands.completion import completion
from streamapp.commands.config import config
from streamapp.commands.doctor import doctor
from streamapp.commands.migrate import migrate
from streamapp.commands.photos import photos
from streamapp.commands.priority import priority
from streamapp.commands.results import results
from streamapp.commands.retry import retry
from streamapp.commands.status import status
from streamapp.commands.topics import provision_topics
from streamapp.commands.workers import workers
from streamapp.crop_command import crop
from streamapp.errors import Code, StreamappError
from streamapp.replay_command import replay
from streamapp.settings import read_settings
from streamapp.signals import Stopped, raise_on_signals
from streamapp.upload_command import upload

if TYPE_CHECKING:
    from streamapp.settings import Settings

app = typer.Typer(
    name="streamapp",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)

WATCH_INTERVAL_S = 0.5
NOT_STARTED = 3
"""As uvicorn has it."""

DataFolder = Annotated[
    Path,
    typer.Option("--data", envvar="DATA_DIR", help="Folder of everything the installation keeps."),
]
Version = Annotated[bool, typer.Option("--version", help="Tell the version and end.")]
Workers = Annotated[int, typer.Option(min=1, max=64, help="Worker processes.")]


@app.callback(invoke_without_command=True)
def streamapp(*, tell_version: Version = False) -> None:
    """Face crops of whole archives of photos, exact and restartable, over Kafka.

    Exit codes: 0 done; 1 failed, or refused with a code; 2 wrong usage; 130 and 143 stopped by
    Ctrl-C or SIGTERM.

    Try: streamapp run photos.zip, or streamapp up and then streamapp upload photos.zip --wait
    """
    if tell_version:
        from importlib.metadata import version  # noqa: PLC0415

        typer.echo(f"streamapp {version('streamapp')}")
        raise typer.Exit


@app.command(rich_help_panel="Photos and batches")
def run(
    archives: Annotated[
        list[Path],
        typer.Argument(metavar="ZIP…", exists=True, dir_okay=False, help="Archives of photos."),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", help="Folder for crops/ and results.csv; replaces earlier ones."),
    ] = Path("out"),
    workers: Workers = 1,
) -> None:
    """Crop the faces of ZIPs with everything embedded, then stop again.

    Starts Kafka, an uploader and workers on this machine, uploads each ZIP, waits for the last
    photo and writes the crops and results.csv. Needs nothing installed, leaves only DIR and
    touches no service that the environment names. Photos that failed are rows with a code and no
    reason to exit with an error.
    """
    raise_on_signals()
    # Imported here, as below: each command loads only what it runs.
    from streamapp.meter import Meter  # noqa: PLC0415
    from streamapp.run import run_job  # noqa: PLC0415

    summary = run_job(archives, out, workers=workers, meter=Meter())
    counts = summary.counts
    typer.echo(
        f"{counts.photos} photos: {counts.faces} with a face, {counts.without_face} without, "
        f"{counts.failed} failed{counts.reasons}; {summary.work_s:.1f} s. "
        f"{counts.crops} crops and results.csv are in {out}"
        f"{f'; {counts.rejected} faces are beyond a limit' if counts.rejected else ''}."
    )


_batches = (crop, upload, status, batches, photos, results, priority, cancel, retry, replay)
_care = (doctor, config, workers, migrate, completion)
for _panel, _commands in (("Photos and batches", _batches), ("Look after it", _care)):
    for _command in _commands:
        app.command(rich_help_panel=_panel)(_command)
app.command("topics", rich_help_panel="Look after it")(provision_topics)


@app.command(rich_help_panel="Run it")
def up(
    port: Annotated[
        int, typer.Option(min=0, max=65_535, envvar="UPLOAD_PORT", help="The uploader's port.")
    ] = 8000,
    data: DataFolder = Path("data"),
    workers: Workers = 1,
) -> None:
    """Run the whole service embedded until Ctrl-C or SIGTERM.

    Broker, uploader and workers; objects in a folder unless OBJECTS_URL names a store, rows in
    SQLite unless RECORDS_URL names a database. What lies in the data folder survives a restart.
    Prints the addresses when everything is ready.
    """
    raise_on_signals()
    from streamapp.embedded import Installation  # noqa: PLC0415

    settings = read_settings(data_dir=data.absolute())
    _make_folder(settings.data_dir)
    with Installation(settings, port=port, workers=workers) as installation, suppress(Stopped):
        for name, address in installation.addresses.items():
            typer.echo(f"{name:12} {address}")
        typer.echo(
            f"ready        curl -F file=@photos.zip -F projectId=demo "
            f"{installation.url}/api/batch/upload-zip"
        )
        while True:
            installation.watch()
            time.sleep(WATCH_INTERVAL_S)
    typer.echo("stopped")


@app.command(rich_help_panel="Run it")
def serve() -> None:
    """Run the uploader (HTTP).

    Its settings come from the environment; "streamapp config" shows them all.
    """
    from streamapp.upload.header_limit import impatient  # noqa: PLC0415
    from streamapp.upload.server import Server  # noqa: PLC0415
    from streamapp.wiring.uploader import uploader_app  # noqa: PLC0415

    settings = _settings_with_log()
    uploader = uploader_app(settings)
    server = Server(
        uploader,
        let_go=uploader.state.watches.end,
        host=settings.upload_host,
        port=settings.upload_port,
        root_path=settings.root_path,
        http=impatient(settings.header_timeout_s),
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=10,
    )
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        raise typer.Exit(NOT_STARTED)


@app.command(rich_help_panel="Run it")
def worker() -> None:
    """Run a worker: expand, detect, tally, record, and its web views.

    Refuses to start when topics are missing or differ from the settings, which come from the
    environment; "streamapp config" shows them all. Beside "streamapp up", in the same folder, it
    finds the broker by itself.
    """
    from connectors.kafka import admin  # noqa: PLC0415
    from streamapp.wiring.values import topics  # noqa: PLC0415
    from streamapp.wiring.worker import run_worker  # noqa: PLC0415

    folder = read_settings().data_dir.absolute()
    settings = _settings_with_log(data_dir=folder, **addresses.overrides(folder))
    asyncio.run(admin.check(settings.kafka_bootstrap, topics(settings).specs()))
    run_worker(settings)


@app.command(rich_help_panel="Look after it")
def janitor() -> None:
    """Go round once: finish or remove what crashes left, remove what was kept long enough.

    Every uploader does the same by itself, every JANITOR_INTERVAL_S seconds.
    """
    from streamapp.wiring.uploader import janitor_round  # noqa: PLC0415

    for what, count in asyncio.run(janitor_round(_settings_with_log())).items():
        typer.echo(f"{count:6} {what}")


def main() -> None:
    """Run the command line; an error of the catalogue becomes a sentence and exit code 1."""
    try:
        app()
    except StreamappError as error:
        typer.echo(f"streamapp: {error.code.code}: {error}", err=True)
        raise SystemExit(1) from None


def _settings_with_log(**overrides: object) -> Settings:
    settings = read_settings(**overrides)
    logs.set_up(settings.log_level)
    return settings


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StreamappError(Code.FOLDER_UNUSABLE, str(error)) from error
