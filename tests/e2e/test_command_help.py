"""What the command line says of itself: its version, its help, and to a shell that completes."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import typer.main

from streamapp import cli
from tests.e2e.test_cli import streamapp

COMMANDS = sorted(typer.main.get_command(cli.app).commands)  # type: ignore[attr-defined] # a group
OURS = ("cancel", "completion", "config", "doctor", "priority", "replay", "status", "workers")


def test_it_tells_its_version() -> None:
    assert streamapp("--version") == (0, f"streamapp {version('streamapp')}\n", "")


def test_its_help_tells_the_exit_codes_and_every_command() -> None:
    code, said, _ = streamapp("--help")
    assert code == 0
    assert "Exit codes: 0 done" in said
    assert all(f"│ {command} " in said for command in COMMANDS)


@pytest.mark.parametrize("command", OURS)
def test_a_command_s_help_has_its_exit_codes_and_an_example(command: str) -> None:
    code, said, _ = streamapp(command, "--help", env=os.environ | {"COLUMNS": "200"})
    assert code == 0
    assert "Exit code 0" in said
    assert f"Try: {'eval' if command == 'completion' else f'streamapp {command}'}" in said


def test_bash_completes_commands_and_options() -> None:
    script = """
        eval "$(streamapp completion bash)"
        complete -p streamapp
        completed() { _streamapp_completion streamapp && echo "${COMPREPLY[@]}"; }
        COMP_WORDS=(streamapp st) COMP_CWORD=1 && completed
        COMP_WORDS=(streamapp status --wa) COMP_CWORD=2 && completed
    """
    done = subprocess.run(
        ["bash", "-c", script],
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [
        "complete -o default -F _streamapp_completion streamapp",
        "status",
        "--watch",
    ]
    assert streamapp("completion", "csh")[0] == 2
