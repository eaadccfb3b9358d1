"""The command ``streamapp doctor``, and what it says of each check."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from streamapp.settings import environment
from tests.e2e.test_cli import streamapp

if TYPE_CHECKING:
    from streamapp.settings import Settings


class Examined(NamedTuple):
    """Exit code, and the verdict, findings and advice by check."""

    code: int
    lines: dict[str, dict[str, str]]

    def said(self, check: str) -> tuple[str, str, str]:
        """Verdict, finding, advice."""
        line = self.lines[check]
        return line["verdict"], line["found"], line.get("advice", "")

    @property
    def failing(self) -> set[str]:
        return {name for name, line in self.lines.items() if line["verdict"] == "fail"}


def doctor(settings: Settings, url: str = "http://127.0.0.1:9", **env: str) -> Examined:
    """Look at an installation with these settings, and its uploader at ``url``."""
    code, said, err = streamapp("doctor", "--json", "--url", url, env=environment(settings) | env)
    assert err == ""
    lines = [json.loads(line) for line in said.splitlines()]
    return Examined(code, {line.pop("check"): line for line in lines})
