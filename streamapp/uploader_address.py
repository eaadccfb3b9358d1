"""The option of all commands that talk to an uploader: where it is."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

import typer

HERE = "http://127.0.0.1:8000"


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise typer.BadParameter(f"{url!r} must begin with http:// or https:// and name a host.")
    return url.rstrip("/")


Address = Annotated[
    str,
    typer.Option(
        "--url",
        "--to",
        metavar="URL",
        envvar="UPLOADER_URL",
        callback=_checked,
        help="The uploader, with the path under which a proxy serves it.",
    ),
]
