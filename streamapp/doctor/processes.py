"""Whether uploader and workers answer, and whose clock goes otherwise than ours."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

import aiohttp
import msgspec

from streamapp.doctor.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TIMEOUT = aiohttp.ClientTimeout(total=8, sock_connect=3)
UPLOADER_ADVICE = "Does it run (./ops/up, or streamapp serve), and is it at --url or UPLOADER_URL?"
WORKERS_ADVICE = "Does one run (streamapp worker), and do the addresses in WORKERS_URL lead to it?"
CLOCK_ADVICE = "Let both hosts keep time by NTP; signatures, ages and retention go by the clock."
SKEW_WARN_S, SKEW_FAIL_S = 2.0, 60.0
"""S3 itself refuses at 15 minutes."""


class Answer(NamedTuple):
    """What an address says: its HTTP status (0: nothing) or the reason, members, and its clock.

    ``skew_s`` is how far its clock is ahead of ours, in seconds; None when it did not say.
    """

    status: int
    reason: str
    members: Mapping[str, Any]
    skew_s: float | None


async def ask(url: str) -> Answer:
    """What the address answers now."""
    before = time.time()
    try:
        async with (
            aiohttp.ClientSession(timeout=TIMEOUT) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            skew_s = _skew_s(answer.headers.get("Date", ""), before, time.time())
            return Answer(answer.status, "", _members(await answer.read()), skew_s)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        return Answer(0, str(error) or "no answer in time", {}, None)


def uploader(url: str, answer: Answer) -> Finding:
    """What its ``/ready`` means."""
    services = answer.members.get("services") if "success" in answer.members else None
    if answer.status == HTTPStatus.OK and isinstance(services, dict):
        return Finding("uploader", "ok", f"{url} takes uploads")
    if answer.status == HTTPStatus.SERVICE_UNAVAILABLE and isinstance(services, dict):
        away = "; ".join(f"{name}: {told}" for name, told in services.items() if told != "ok")
        advice = "See what is said of these services here; the uploader may have other settings."
        return Finding("uploader", "fail", f"{url} takes no upload: {away}", advice)
    return Finding("uploader", "fail", _other(url, answer), UPLOADER_ADVICE)


def workers(answers: Sequence[tuple[str, Answer]]) -> Finding:
    """What the ``/ready`` of all addresses in WORKERS_URL mean; any one may be asked."""
    ready = [url for url, answer in answers if answer.members.get("ready") is True]
    faults = [_worker_fault(url, answer) for url, answer in answers if url not in ready]
    if faults:
        verdict = "warn" if ready else "fail"
        return Finding("workers", verdict, "; ".join(faults), WORKERS_ADVICE)  # type: ignore[arg-type] # both are verdicts
    return Finding("workers", "ok", f"{', '.join(ready)} {'are' if ready[1:] else 'is'} ready")


def clock(answers: Mapping[str, Answer]) -> Finding:
    """Whether the clocks agree, by the names of who was asked."""
    skews = {name: each.skew_s for name, each in answers.items() if each.skew_s is not None}
    if not skews:
        return Finding("clock", "warn", "nobody to compare with answered", "See the other lines.")
    name = max(skews, key=lambda each: abs(skews[each]))
    skew_s = skews[name]
    if abs(skew_s) < SKEW_WARN_S:
        return Finding("clock", "ok", f"agrees with {', '.join(sorted(skews))}")
    way = "ahead of" if skew_s > 0 else "behind"
    found = f"the clock of {name} is {abs(skew_s):.0f} s {way} ours"
    verdict = "warn" if abs(skew_s) < SKEW_FAIL_S else "fail"
    return Finding("clock", verdict, found, CLOCK_ADVICE)  # type: ignore[arg-type] # both are verdicts


def _worker_fault(url: str, answer: Answer) -> str:
    why = answer.members.get("why")
    if answer.status == HTTPStatus.SERVICE_UNAVAILABLE and isinstance(why, list):
        return f"{url} is not ready: {' '.join(map(str, why))}"
    return _other(url, answer)


def _other(url: str, answer: Answer) -> str:
    return f"{url}: {answer.reason or f'answers {answer.status}, as none of ours would'}"


def _skew_s(date: str, before: float, after: float) -> float | None:
    """By how much ``date``, which is cut to whole seconds, cannot be a time of ours in between."""
    try:
        told = parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None
    return max(0.0, told - after) + min(0.0, told + 1 - before)


def _members(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.MsgspecError:
        return {}
