"""``streamapp topics``: the topics exist, as the settings want them."""

from __future__ import annotations

import asyncio

import typer

from streamapp.settings import read_settings


def provision_topics() -> None:
    """Create the topics that are missing; refuse those that differ from the settings."""
    from connectors.kafka import admin  # noqa: PLC0415
    from streamapp.wiring.values import topics  # noqa: PLC0415

    settings = read_settings()
    created = asyncio.run(
        admin.provision(
            settings.kafka_bootstrap,
            topics(settings).specs(),
            replication_factor=settings.replication_factor,
        )
    )
    for spec in topics(settings).specs():
        state = "created" if spec.name in created else "present"
        typer.echo(f"{state}  {spec.name} ({spec.partitions} partitions)")
