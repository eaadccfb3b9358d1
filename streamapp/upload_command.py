"""``streamapp upload``: archives and folders of photos to an uploader, whatever cuts it off."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streamapp.errors import StreamappError
from streamapp.signals import Stopped, raise_on_signals, run_until_stopped
from streamapp.uploader_address import HERE, Address

if TYPE_CHECKING:
    from streamapp.progress import Status
    from streamapp.upload_files.tasks import Task, Wish


Sources = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE…|DIR…", exists=True, help="ZIPs of photos, folders of photos, photos."
    ),
]
Project = Annotated[
    str, typer.Option("--project", envvar="PROJECT_ID", help="Whose photos they are.")
]
Priority = Annotated[int, typer.Option("--priority", min=1, max=10, help="1 is the most urgent.")]
ExternalId = Annotated[
    str, typer.Option("--external-id", help="Your own name for the batch, free text.")
]
Key = Annotated[
    str,
    typer.Option(
        "--key",
        help="Idempotency-Key: the same key gives the same batch. Else one of the other "
        "options, the path, and the files' sizes and times.",
    ),
]
Anew = Annotated[
    bool,
    typer.Option("--anew", help="Make another batch, also of what was uploaded wholly before."),
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until every photo is worked off.")]
PatienceMinutes = Annotated[
    float,
    typer.Option(
        "--patience",
        metavar="MINUTES",
        min=0,
        help="Give up when nothing moved for so long.",
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="One JSON object a line: file, and the batch's status.")
]


def upload(
    paths: Sources,
    *,
    url: Address = HERE,
    project: Project = "default",
    priority: Priority = 5,
    external_id: ExternalId = "",
    key: Key = "",
    anew: Anew = False,
    wait: Wait = False,
    patience: PatienceMinutes = 10.0,
    as_json: AsJson = False,
) -> None:
    """Upload ZIPs or folders of photos; each becomes a batch, one after the other.

    A folder is packed while it is sent, nothing of it is written to disk: every file in it and
    below is a photo; hidden ones and symbolic links are skipped. A file that changes meanwhile
    fails, the others go on.

    When the connection is cut or the uploader restarted, it goes on where it was. When you stop it
    or the machine goes down, give the same command again: it goes on too, and what is uploaded
    already gives the same batch, not a second one.

    Prints a line for each batch: its id, and how far it is. Exit code 0 when all was uploaded (and
    worked off, with --wait), also when photos failed; 1 when one could not be uploaded (the others
    are all the same) or its batch was cancelled; 2 for a wrong usage.

    Try: streamapp upload holiday/ --wait, or: streamapp upload photos.zip --url https://example.org
    """
    raise_on_signals()
    if key and (anew or len(paths) > 1):
        raise typer.BadParameter("It names one batch: one FILE or DIR.", param_hint="--key")
    for option, value in (("--project", project), ("--external-id", external_id), ("--key", key)):
        if value and not value.isprintable():  # nor are bytes that are no UTF-8
            raise typer.BadParameter("It must be printable text.", param_hint=option)
    # Imported here: a usage error need not wait for the HTTP client.
    from streamapp.meter import Meter  # noqa: PLC0415
    from streamapp.upload_files.job import Job  # noqa: PLC0415
    from streamapp.upload_files.lines import json_line, reasons, text  # noqa: PLC0415
    from streamapp.upload_files.tasks import Wish  # noqa: PLC0415

    wish = Wish(project, priority, external_id, key, anew)
    line = json_line if as_json else text

    def tell(path: Path, batch: str, status: Status | None) -> None:
        typer.echo(line(path, batch, status))
        if status and status.progress.failed:
            _say(reasons(batch, status.progress.failed))

    job = Job(url, Meter(), tell, _complain, patience_s=60 * patience)
    tasks = _tasks(paths, wish)
    try:
        well = run_until_stopped(job.work_off(tasks, wait=wait))
    except Stopped:
        typer.echo("Stopped; the same command again goes on where it was.", err=True)
        raise
    raise typer.Exit(0 if well and len(tasks) == len(paths) else 1)


def _tasks(paths: list[Path], wish: Wish) -> list[Task]:
    """Those that can be read; the others are told."""
    tasks = []
    for path in paths:
        try:
            tasks.append(wish.task(path, _say))
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="FILE…|DIR…") from None
        except StreamappError as error:
            _complain(path, error)
    return tasks


def _complain(path: Path, error: StreamappError) -> None:
    _say(f"streamapp: {path}: {error.code.code}: {error}")


def _say(sentence: str) -> None:
    typer.echo(sentence, err=True)
