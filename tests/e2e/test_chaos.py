"""A short seed of the chaos suite: real services, real faults, and everything exact in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ops.chaos.seed import Size, run_seed

if TYPE_CHECKING:
    from pathlib import Path

SEED = 59
SHORT = Size(faults=4, window_s=15, batches=4, photos=(20, 40), settle_s=240)


@pytest.mark.timeout(660)
def test_a_seed_of_faults_under_load_ends_exact(tmp_path: Path) -> None:
    result = run_seed(SEED, SHORT, tmp_path / "seed")

    assert result.complaints == []
    assert result.batches == SHORT.batches
    assert len(result.faults) == SHORT.faults
