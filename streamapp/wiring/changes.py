"""Which settings of vision a batch's run may change, and what comes of it; without OpenCV."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from streamapp.errors import Code, StreamappError
from streamapp.near_names import did_you_mean
from streamapp.vision_settings import VisionSettings, faults

if TYPE_CHECKING:
    from collections.abc import Iterable

_OF_THE_WORKER = {"photo_time_limit_s", "photo_memory_max"}
"""Limits of the child processes, which are the same for all runs."""

CHANGEABLE = {
    name.upper(): name for name in VisionSettings.model_fields if name not in _OF_THE_WORKER
}
"""Environment variables that a run may change, and their fields."""


def overlaid(settings: VisionSettings, changes: Iterable[tuple[str, str]]) -> VisionSettings:
    """The settings of a run that changes some: pairs of an environment variable and its value.

    Raises:
        StreamappError: ``SETTING_INVALID``, naming each variable and what is wrong with it.
    """
    values = {name: getattr(settings, name) for name in VisionSettings.model_fields}
    for variable, value in changes:
        if variable not in CHANGEABLE:
            told = f"{variable}: not a run's to change; {did_you_mean(variable, CHANGEABLE)}"
            raise StreamappError(Code.SETTING_INVALID, told)
        values[CHANGEABLE[variable]] = value
    try:
        return VisionSettings(**values)
    except ValidationError as error:
        raise StreamappError(Code.SETTING_INVALID, faults(error)) from None
