"""``streamapp crop``: the faces of photo files, right here, without Kafka, store or database.

Each photo is worked off in a child process under the limits of time, memory and pixels that a
worker has, so that a bad one costs its own line and nothing else. The lines come in the order of
the photos. What is not given as an option comes from the environment, as for a worker.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from streamapp.errors import StreamappError
from streamapp.settings import Settings, read_settings
from streamapp.signals import raise_on_signals

if TYPE_CHECKING:
    from streamapp.crop_files.photos import PhotoFile


Photos = Annotated[
    list[Path],
    typer.Argument(metavar="PHOTO…", exists=True, help="Photos, or folders of photos."),
]
Out = Annotated[Path, typer.Option("--out", help="Folder of the crops, made if missing.")]
Faces = Annotated[
    Literal["one", "all"] | None,
    typer.Option("--faces", help="The best face of each photo, or all. Else FACES, or one."),
]
Detector = Annotated[
    Literal["yunet", "opencv", "haar"] | None,
    typer.Option("--detector", help="What finds the faces. Else DETECTOR, or yunet."),
]
Size = Annotated[
    str | None,
    typer.Option(
        "--size", metavar="PX", help="300, or width×height as 300x400. Else CROP_SIZE, or 300."
    ),
]
Padding = Annotated[
    float | None,
    typer.Option(
        "--padding",
        metavar="SHARE",
        help="Border around the face, as a share of its side. Else CROP_PADDING, or 0.2.",
    ),
]
Level = Annotated[
    bool | None,
    typer.Option("--level/--no-level", help="Turn crops so that the eyes are level."),
]
CropFormat = Annotated[
    Literal["jpeg", "webp", "png"] | None,
    typer.Option("--format", help="Format of the crops. Else CROP_FORMAT, or jpeg."),
]
Draw = Annotated[
    bool,
    typer.Option("--draw", help="Write a copy of each photo with what was found, too."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line, with all figures.")]


def crop(
    photos: Photos,
    *,
    out: Out = Path("faces"),
    faces: Faces = None,
    detector: Detector = None,
    size: Size = None,
    padding: Padding = None,
    level: Level = None,
    crop_format: CropFormat = None,
    draw: Draw = False,
    as_json: AsJson = False,
) -> None:
    """Crop the faces of photos right here, without Kafka, store or database.

    A crop is named after its photo: NAME.jpg, further faces NAME-2.jpg and so on, a drawn copy
    NAME.drawn.jpg. Of a folder, every file in it and below is a photo; hidden ones are skipped.

    Prints a line for each photo: its name, and each face's box in pixels, score and crop, or the
    code of what failed and what to do. Doing it again writes the same files. Exit code 0 when every
    photo was processed, with or without a face; 1 when any failed; 2 for a wrong usage.

    Try: streamapp crop me.jpg --draw, or: streamapp crop holiday/ --faces all --json
    """
    raise_on_signals()
    settings = _settings(
        {
            "--faces": ("faces", faces),
            "--detector": ("detector", detector),
            "--size": ("crop_size", size),
            "--padding": ("crop_padding", padding),
            "--level": ("crop_level", level),
            "--format": ("crop_format", crop_format),
        }
    )
    files = _find(photos, out, settings)
    # Imported here: a usage error need not wait for OpenCV.
    from streamapp.crop_files import job, lines  # noqa: PLC0415

    counts = job.crop_photos(
        files, out, settings, draw=draw, line=lines.json_line if as_json else lines.text
    )
    typer.echo(f"{counts}; crops are in {out}.", err=True)
    raise typer.Exit(1 if counts.failed else 0)


def _settings(given: dict[str, tuple[str, object]]) -> Settings:
    """The environment's settings under the options that were given: option → setting, value."""
    values = {}
    read_settings()  # what is wrong in the environment is no wrong usage
    for option, (name, value) in given.items():
        if value is None:
            continue
        values[name] = value
        try:
            read_settings(**values)
        except StreamappError:
            allowed = Settings.model_fields[name].description
            raise typer.BadParameter(f"{value!r}. {allowed}", param_hint=option) from None
    return read_settings(**values)


def _find(given: list[Path], out: Path, settings: Settings) -> list[PhotoFile]:
    from streamapp.crop_files.photos import find_photos  # noqa: PLC0415

    try:
        return find_photos(given, out, several=settings.faces == "all")
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="PHOTO…") from None
