"""The set-up of a checkout where something is amiss; nothing is fetched here."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

HALF_A_VENV = f"""\
#!/bin/sh
case "$*" in
*"-m venv"*)
    mkdir -p .venv/bin
    ln -sf {Path(sys.executable).resolve()} .venv/bin/python
    echo "ensurepip is not available"
    exit 1
    ;;
esac
exec {Path(sys.executable).resolve()} "$@"
"""
"""What Debian's Python does without python3-venv."""

OLD_UV = """\
#!/bin/sh
echo "error: Required uv version does not match the running version" >&2
exit 2
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("ops/setup.sh", "pyproject.toml", "uv.lock"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def set_up(checkout: Path, **programs: str) -> tuple[int, str]:
    """Exit code and words of the set-up, with these programs at the front of the PATH."""
    (checkout / "bin").mkdir(exist_ok=True)
    for name, script in programs.items():
        (checkout / "bin" / name).write_text(script)
        (checkout / "bin" / name).chmod(0o755)
    done = subprocess.run(
        ["bash", "-c", ". ops/setup.sh; set_up main"],
        cwd=checkout,
        env={"PATH": f"{checkout}/bin:/usr/bin:/bin", "HOME": str(checkout)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def test_a_venv_that_failed_is_not_taken_for_good_and_the_remedy_is_told(checkout: Path) -> None:
    for _ in range(2):
        code, said = set_up(checkout, uv=OLD_UV, **{"python3.11": HALF_A_VENV})
        assert code == 1
        assert "ensurepip is not available" in said
        assert "apt-get install python3-venv" in said
        assert not (checkout / ".venv/synced-main").exists()


def test_the_image_takes_the_uv_that_the_project_asks_for() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"]["required-version"]
    taken = re.search(r'pip install .*"uv(.*)"', (ROOT / "Dockerfile").read_text())
    assert taken
    assert taken[1] == wanted
