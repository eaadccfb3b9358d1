"""``streamapp completion``: the shell completes commands and options."""

from __future__ import annotations

from typing import Annotated, Literal

import typer
from typer.completion import get_completion_script  # type: ignore[attr-defined] # typer's own

Shell = Annotated[
    Literal["bash", "zsh", "fish"], typer.Argument(metavar="SHELL", help="bash, zsh or fish.")
]


def completion(shell: Shell) -> None:
    """Print the script by which a shell completes this command.

    Exit code 0; 2 for another shell.

    Try: eval "$(streamapp completion bash)", in ~/.bashrc for good; or: streamapp completion fish >
    ~/.config/fish/completions/streamapp.fish
    """
    script = get_completion_script(
        prog_name="streamapp", complete_var="_STREAMAPP_COMPLETE", shell=shell
    )
    typer.echo(script)
