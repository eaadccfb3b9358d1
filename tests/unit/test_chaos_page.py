"""The page of a chaos series: the last result of each seed, counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ops.bench.page import Page
from ops.chaos.page import read_results, write_page
from ops.chaos.seed import Result
from ops.chaos.takeover import Takeover

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def result(seed: int, *complaints: str, kill_s: float = 7.0) -> Result:
    return Result(
        seed=seed,
        commit="c0ffee",
        complaints=list(complaints),
        faults=["kill worker", "disk full", "kill worker"],
        skipped=[],
        photos=1000,
        batches=8,
        longest_stall_s=4.0 + seed,
        settled_s=2.0,
        took_s=180.0,
        takeovers=[Takeover("kill", kill_s, alone=True)],
        exits={"worker-1 -9": 2},
    )


def test_the_last_result_of_each_seed_counts(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    lines = (result(2, "lost"), result(1, kill_s=9.0), result(2))
    file.write_bytes(b"\n".join(map(msgspec.json.encode, lines)))

    assert read_results([file]) == [result(1, kill_s=9.0), result(2)]


def test_faults_and_times_are_counted_and_what_is_wrong_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_page(Page("t", "c"), [result(1, kill_s=9.0), result(2), result(4, "2 photos are lost")])

    page = capsys.readouterr().out
    assert "3 seeds, 2 of them clean: 24 batches, 3,000 photos, 9 faults, 0.1 hours" in page
    assert "Not run of these seeds: 3." in page
    assert "| longest stall, no batch told anything new | 3 | 6.0 | 8.0 |" in page
    assert "| takeover after kill -9, no other fault near | 3 | 7.0 | 9.0 |" in page
    assert "| kill worker | 6 | 3 |" in page
    assert "- seed 4: 2 photos are lost" in page
