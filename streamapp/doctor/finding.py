"""What a check finds, and how one is held in its bounds."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

import msgspec

from streamapp.errors import StreamappError

if TYPE_CHECKING:
    from collections.abc import Awaitable

LIMIT_S = 15.0
"""Of each check; they run side by side."""


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was ``found`` of the ``check``, and the ``advice`` on what to do about it.

    ``warn``: it works, or will by itself, but somebody should know.
    """

    check: str
    verdict: Literal["ok", "warn", "fail"]
    found: str
    advice: str = ""


async def within_bounds(name: str, check: Awaitable[Finding], advice: str) -> Finding:
    """What a check finds; its error, or its silence, is a failure with this ``advice``."""
    try:
        async with asyncio.timeout(LIMIT_S):
            return await check
    except TimeoutError:
        return Finding(name, "fail", f"no answer in {LIMIT_S:g} s", advice)
    except StreamappError as error:
        return Finding(name, "fail", f"{error.code.code}: {error}", advice)
