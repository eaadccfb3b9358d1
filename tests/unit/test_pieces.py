"""A part is listed as it was judged, whatever the settings say by now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from connectors.objects.folder import FolderStore
from streamapp.archive import Limits
from streamapp.progress import Part, Progress
from streamapp.stream.expanding import Expanding
from streamapp.stream.load import Turn
from streamapp.stream.pieces import Pieces
from tests.archives import zipped

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("nested", "names"),
    [(True, ["a.jpg", "in.zip/b.jpg", "c.jpg"]), (False, ["a.jpg", "c.jpg"])],
)
@pytest.mark.parametrize("setting", [True, False])
def test_archives_within_the_archive_are_opened_when_they_were_judged_so(
    tmp_path: Path, *, nested: bool, names: list[str], setting: bool
) -> None:
    store = FolderStore(tmp_path)
    store.prepare()
    inner = zipped({"b.jpg": b"b"}, method=0)
    content = zipped({"a.jpg": b"a", "in.zip": inner, "c.jpg": b"c"}, method=0)
    store.put("outer.zip", content, "application/zip")
    part = Part(
        first_index=0,
        archive="outer.zip",
        archive_bytes=len(content),
        photos=len(names),
        nested=nested,
    )
    batch = Progress(batch="b", parts=(part,))
    turn = Turn(Expanding(0, batch, batch), part, 10)
    piece = Pieces(store, Limits(nested=setting)).read(turn)
    assert [entry.name for entry in piece.entries] == names
