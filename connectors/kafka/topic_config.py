"""Kafka's own settings of topics: read, compared with a `TopicSpec`, and set.

Setting one keeps every other setting of the topic that somebody made. aiokafka has only Kafka's
older request, which replaces them all, so they are read and sent along; two people who alter the
same topic within the same moment may undo each other's change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from aiokafka.admin import AIOKafkaAdminClient

    from streamapp.topics import TopicSpec

_OF_THE_TOPIC = 1
"""Kafka's ``ConfigSource`` for a value that was set on the topic, not inherited."""


class Value(NamedTuple):
    """What a setting is, and whether it was set on the topic itself."""

    text: str
    own: bool


Config = dict[str, Value]


async def read(admin: AIOKafkaAdminClient, names: Collection[str]) -> dict[str, Config]:
    """All settings of the existing topics ``names``, defaults included.

    Raises:
        KafkaError: what Kafka says of the first topic that it does not describe.
    """
    if not names:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    (answer,) = await admin.describe_configs(resources)
    configs = {}
    for error_code, message, _, name, entries in answer.resources:
        _raise_for(error_code, f"{name}: {message}")
        configs[name] = {
            key: Value(text, source == _OF_THE_TOPIC) for key, text, _, source, *_ in entries
        }
    return configs


def differences(specs: Iterable[TopicSpec], found: dict[str, Config]) -> dict[str, list[str]]:
    """What is wrong with each topic whose settings are not as its spec says."""
    faults = {
        spec.name: [
            f"{spec.name} has {key}={_text(found[spec.name], key)}, {wanted} is wanted"
            for key, wanted in spec.config.items()
            if _text(found[spec.name], key) != wanted
        ]
        for spec in specs
    }
    return {name: sentences for name, sentences in faults.items() if sentences}


async def write(
    admin: AIOKafkaAdminClient, specs: Iterable[TopicSpec], found: dict[str, Config]
) -> None:
    """Give the topics the settings of their specs; ``found`` as of `read`, just now.

    Raises:
        KafkaError: what Kafka says of the first topic that it does not alter.
    """
    resources = []
    for spec in specs:
        kept = {key: value.text for key, value in found[spec.name].items() if value.own}
        resources.append(ConfigResource(ConfigResourceType.TOPIC, spec.name, kept | spec.config))
    for answer in await admin.alter_configs(resources):
        for error_code, message, _, name in answer.resources:
            _raise_for(error_code, f"{name}: {message}")


def _text(config: Config, key: str) -> str:
    return config[key].text if key in config else "nothing"


def _raise_for(error_code: int, detail: str) -> None:
    if error_code:
        raise for_code(error_code)(detail)
