"""A few hundred damaged files among sound ones, as `ops/fuzz/vision` sends ten thousand."""

from __future__ import annotations

from ops.fuzz.fuzzer import fuzz


async def test_damaged_files_end_with_a_code_or_a_face_and_hurt_no_neighbour() -> None:
    run, _ = await fuzz(files=300, seed=3, children=2)
    assert run.wrong == []
    assert run.tally.total() == 300
    assert run.sound == 100


async def test_the_same_seed_damages_the_same_files() -> None:
    first, _ = await fuzz(files=30, seed=5, children=1)
    again, _ = await fuzz(files=30, seed=5, children=2)
    assert first.tally == again.tally
