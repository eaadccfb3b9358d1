"""Looking at photos tells nobody and leaves nothing in the home folder."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def test_loading_the_model_writes_nothing_into_the_home_folder(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-c", "from streamapp import vision; vision.warm_up()"],
        env=os.environ | {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")},
        check=True,
    )
    assert list(tmp_path.rglob("*")) == []
