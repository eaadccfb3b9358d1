"""``streamapp config``: every setting, and where its value comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from streamapp.configuration import facts
from streamapp.listing import show, show_json
from streamapp.near_names import did_you_mean

if TYPE_CHECKING:
    from streamapp.configuration.facts import Fact

Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="[WORD]…", help="Only the settings with one of these in their names."),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="One JSON object a line, with the bounds as JSON Schema.")
]


def config(context: typer.Context, words: Words = None, *, as_json: AsJson = False) -> None:
    """Show every setting: its name, value, source, bounds and meaning.

    Settings are environment variables. This shows them as a process that is started here and now
    would read them; secrets are hidden. In a pipe the columns are separated by tabs, in the order
    above. A variable whose name is nearly a setting's is told on standard error.

    Exit code 0 when all values are allowed, 1 when one is not, 2 for a wrong usage.

    Try: streamapp config crop, or: FACES=all streamapp config faces
    """
    chosen = _chosen(words or [])
    if as_json:
        for fact in chosen:
            show_json(_members(fact))
    else:
        show(
            ("setting", "value", "source", "allowed", "meaning"),
            [(fact.name, fact.value, fact.source, fact.allowed, _meaning(fact)) for fact in chosen],
        )
    for name, near in facts.near_misses(known_variables(context)):
        typer.echo(f"streamapp: {name} is no setting; did you mean {near}?", err=True)
    raise typer.Exit(1 if any(fact.fault for fact in chosen) else 0)


def _chosen(words: list[str]) -> list[Fact]:
    """The settings whose names have one of the words in them; all without words."""
    found = facts.facts()
    for word in words:
        if not any(word.upper() in fact.name for fact in found):
            told = did_you_mean(word, facts.names())
            raise typer.BadParameter(f"No setting has {word!r} in its name; {told}")
    return [fact for fact in found if not words or any(w.upper() in fact.name for w in words)]


def known_variables(context: typer.Context) -> set[str]:
    """The variables of the settings, and those that stand for options of commands."""
    commands = context.find_root().command.commands.values()  # type: ignore[attr-defined] # a group
    options = {param.envvar for command in commands for param in command.params if param.envvar}
    return {*facts.names(), *options}


def _meaning(fact: Fact) -> str:
    return f"NOT ALLOWED: {fact.fault}. {fact.meaning}" if fact.fault else fact.meaning


def _members(fact: Fact) -> dict[str, object]:
    members = fact._asdict()
    if not fact.fault:
        del members["fault"]
    return members
