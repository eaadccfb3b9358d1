"""A worker that is asked to end says nothing wrong on the way: its table is closed before it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from streamapp.keys import STATUS_PATH
from tests.e2e.test_frozen_worker import owner_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.installation import Installation


def test_a_worker_that_ends_forgets_no_batch(installation: Installation, archive: Path) -> None:
    batch = installation.upload(archive)["batchId"]
    installation.wait_for(batch, lambda status: status["status"] == "completed")
    owner = owner_of(installation, batch)
    said = set()
    with httpx.Client(base_url=owner.url, timeout=10) as http:
        owner.daemon.terminate()
        try:
            while True:
                said.add(http.get(f"{STATUS_PATH}/{batch}").status_code)
        except httpx.TransportError:
            pass  # it has ended

    assert httpx.codes.SERVICE_UNAVAILABLE in said
    assert said <= {httpx.codes.OK, httpx.codes.SERVICE_UNAVAILABLE}
