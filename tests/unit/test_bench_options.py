"""Each benchmark tells how it is called."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pytest

COMMANDS = [
    path
    for folder in ("bench", "fuzz")
    for path in sorted((Path(__file__).parents[2] / "ops" / folder).iterdir())
    if path.is_file() and not path.suffix
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda path: path.name)
def test_a_benchmark_explains_itself_and_can_save_its_page(
    command: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = import_module(f"ops.{command.parent.name}.{command.name}")
    monkeypatch.setattr(sys, "argv", [str(command), "--help"])
    with pytest.raises(SystemExit) as ended:
        module.main()
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert f"usage: ops/{command.parent.name}/{command.name} " in told
    assert (module.__doc__ or "").strip() in told
    assert "--page" in told
