"""What is asked of a worker by those who run it: ``/live``, ``/ready`` and ``/metrics``.

``/live`` is no once the watchdog has found that the worker stands; it ends by itself then.
``/ready`` is no while a service is away or the worker cannot answer for its partitions, and says
why in the catalogue's sentences: nothing in them tells of the installation.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST

if TYPE_CHECKING:
    from faust import App
    from faust.web import Request, Response, View

    from streamapp.stream.circuit import Circuits
    from streamapp.stream.metrics import Metrics
    from streamapp.stream.ownership import Ownership
    from streamapp.stream.watchdog import Watchdog

IDLE = "more workers than partitions"


def register(
    app: App,
    *,
    ownership: Ownership,
    circuits: Circuits,
    watchdog: Watchdog,
    metrics: Metrics,
) -> None:
    """Attach the views to the app's web server."""

    @app.page("/live")
    async def live(view: View, _request: Request) -> Response:
        return _answer(view, {"live": not watchdog.verdict}, yes=not watchdog.verdict)

    @app.page("/ready")
    async def ready(view: View, _request: Request) -> Response:
        why = [each.reason for each in circuits if each.reason]
        if not ownership.ready:
            why.append("The worker is joining its group, or recovering its tables.")
        if watchdog.verdict:
            why.append("The worker does not advance, and ends.")
        services = {each.service: each.reason or "ok" for each in circuits}
        answer: dict[str, object] = {"ready": not why, "services": services, "why": why}
        if ownership.idle:
            answer["idle"] = IDLE
        return _answer(view, answer, yes=not why)

    @app.page("/metrics")
    async def numbers(view: View, _request: Request) -> Response:
        return view.bytes(metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _answer(view: View, content: dict[str, object], *, yes: bool) -> Response:
    return view.json(content, status=HTTPStatus.OK if yes else HTTPStatus.SERVICE_UNAVAILABLE)
