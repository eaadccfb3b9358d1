"""Where the broker and the workers of an embedded installation are, for commands beside it.

Their ports are others at each start, so the installation writes them into its data folder once it
is ready, and removes them when it ends. What the environment says goes before them.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from pathlib import Path


class Addresses(msgspec.Struct, frozen=True):
    """Of a running installation, as the settings of these names have them."""

    kafka_bootstrap: str
    workers_url: str


def write(folder: Path, addresses: Addresses) -> None:
    """Say where an installation on a data folder is; raises ``FOLDER_UNUSABLE``."""
    aside = _file(folder).with_suffix(".new")
    try:
        aside.write_bytes(msgspec.json.encode(addresses))
        aside.replace(_file(folder))
    except OSError as error:
        raise StreamappError(Code.FOLDER_UNUSABLE, str(error)) from error


def remove(folder: Path) -> None:
    """Say that it is nowhere any more."""
    _file(folder).unlink(missing_ok=True)


def overrides(folder: Path) -> dict[str, str]:
    """The settings of the installation on a data folder that the environment does not name."""
    try:
        told = msgspec.json.decode(_file(folder).read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError) as error:
        raise StreamappError(Code.FOLDER_UNUSABLE, f"{_file(folder)}: {error}") from None
    names = Addresses.__struct_fields__
    return {name: told[name] for name in names if name in told and name.upper() not in os.environ}


def _file(folder: Path) -> Path:
    return folder / "addresses.json"
