"""Whether this machine is fit: Python and packages, the model, the data folder and its disk."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
from importlib import metadata
from typing import TYPE_CHECKING

from streamapp.configuration import facts
from streamapp.doctor.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

PYTHONS = ((3, 11), (3, 14))
"""From the first on, before the second."""

FREE_WARN_BYTES, FREE_FAIL_BYTES = 5 << 30, 256 << 20
_TOLD = ("faust-streaming", "aiokafka", "opencv-python-headless", "onnxruntime")
_INSTALL = "Install again from the lock file; a checkout does so by any command in ./ops."


def settings(known: Collection[str]) -> Finding:
    """All are allowed, and no variable is nearly one of those that are ``known``."""
    faults = [f"{fact.name}: {fact.fault}" for fact in facts.facts() if fact.fault]
    if faults:
        advice = "Run: streamapp config, which tells what each may be."
        return Finding("settings", "fail", "; ".join(faults), advice)
    if near := list(facts.near_misses(known)):
        found = "; ".join(f"{name} is none, {meant} may be meant" for name, meant in near)
        return Finding("settings", "warn", found, "Rename or remove it.")
    given = [fact.name for fact in facts.facts() if fact.source == "environment"]
    return Finding("settings", "ok", f"from the environment: {', '.join(given) or 'none'}")


async def versions() -> Finding:
    """Python is one of ours and every package is there."""
    python = platform.python_version()
    if not PYTHONS[0] <= sys.version_info[:2] < PYTHONS[1]:
        return Finding("versions", "fail", f"Python {python}", "Take Python 3.11, 3.12 or 3.13.")
    try:
        told = [f"{name} {metadata.version(name)}" for name in ("streamapp", *_TOLD)]
    except metadata.PackageNotFoundError as error:
        return Finding("versions", "fail", str(error), _INSTALL)
    return Finding("versions", "ok", ", ".join([*told, f"Python {python}"]))


async def model() -> Finding:
    """The model that finds faces is the one that was measured; raises ``MODEL_MISMATCH``."""
    from streamapp.vision.network import read_model  # noqa: PLC0415 - loads the runtime

    size = len(await asyncio.to_thread(read_model))
    return Finding("model", "ok", f"is the right file, {size // 1024} KiB")


def disk(folder: Path) -> Finding:
    """The data folder, or where it would be made, can be written and has room."""
    place = folder.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        advice = "Set DATA_DIR or --data to a folder that may be written."
        return Finding("disk", "fail", f"{place} is no folder that can be written", advice)
    free = shutil.disk_usage(place).free
    found = f"{folder} has {free / (1 << 30):.1f} GiB left"
    if free < FREE_WARN_BYTES:
        verdict = "warn" if free >= FREE_FAIL_BYTES else "fail"
        advice = "Make room, or take another DATA_DIR; objects in a folder need room for archives."
        return Finding("disk", verdict, found, advice)  # type: ignore[arg-type] # both are verdicts
    return Finding("disk", "ok", found)
