"""A status as it was seen: its JSON, and the tag by which a client tells whether it knows it."""

from __future__ import annotations

from hashlib import blake2b
from typing import NamedTuple

import msgspec

from streamapp.progress import Answer, Status

TAG_BYTES = 12


class Sighting(NamedTuple):
    """A status, its JSON, and a tag of the JSON: the same for the same status, on any uploader."""

    status: Status
    body: bytes
    tag: str

    @property
    def etag(self) -> str:
        """The tag as the header ``ETag`` has it."""
        return f'"{self.tag}"'


def see(status: Status) -> Sighting:
    """The status as it is answered."""
    body = msgspec.json.encode(Answer(batch=status))
    return Sighting(status, body, blake2b(body, digest_size=TAG_BYTES).hexdigest())


def known_tags(if_none_match: str) -> frozenset[str]:
    """The tags that a client says it knows by ``If-None-Match`` (RFC 9110, 13.1.2); ``*`` is any.

    Compared weakly, as that header is: what a proxy made weak on its way is the same.
    """
    listed = (each.strip().removeprefix("W/") for each in if_none_match.split(","))
    return frozenset(each.strip('"') for each in listed if each)
