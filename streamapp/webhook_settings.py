"""The settings of the messages that tell receivers of ended batches, and what an address may be."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, SecretStr, ValidationInfo, field_validator

URL_PATTERN = r"^https?://[A-Za-z0-9._\-]+(:[0-9]{1,5})?([/?][!-\"$-~]{0,900})?$"
"""No user, no fragment, no IPv6 literal; other characters percent-encoded, other hosts punycode."""

SECRET_BYTES = range(24, 65)
_PREFIX = "whsec_"


def is_url(text: str) -> bool:
    """Whether it can be the address of a receiver."""
    return re.fullmatch(URL_PATTERN[1:-1], text, re.ASCII) is not None


def _secrets(value: SecretStr) -> SecretStr:
    for secret in value.get_secret_value().split():
        try:
            size = len(b64decode(secret.removeprefix(_PREFIX), validate=True))
        except binascii.Error:
            size = 0
        if not secret.startswith(_PREFIX) or size not in SECRET_BYTES:
            raise ValueError(
                f"must be {_PREFIX} and {SECRET_BYTES[0]} to {SECRET_BYTES[-1]} bytes in base64"
            )
    return value


class WebhookSettings(BaseModel):
    """A part of `settings.Settings`."""

    webhook_secret: Annotated[SecretStr, AfterValidator(_secrets)] = Field(
        SecretStr(""),
        description=(
            "whsec_… that webhooks are signed with; several, by spaces, while it is changed. "
            "Without one none is sent."
        ),
    )
    webhook_url: str = Field(
        "",
        pattern=f"{URL_PATTERN}|^$",
        description="Address that is told of the end of every batch, beside the batch's own.",
    )
    webhook_hosts_allowed: str = Field(
        "",
        pattern=r"^[A-Za-z0-9._, \-]*$",
        description="Hosts of webhooks that may have a private address, comma separated.",
    )

    @field_validator("webhook_url")
    @classmethod
    def _is_signed(cls, url: str, others: ValidationInfo) -> str:
        secret = others.data.get("webhook_secret")
        if url and secret is not None and not secret.get_secret_value().strip():
            raise ValueError("needs a WEBHOOK_SECRET")
        return url

    @property
    def webhook_secrets(self) -> list[str]:
        """Each of them."""
        return self.webhook_secret.get_secret_value().split()

    @property
    def webhook_hosts(self) -> list[str]:
        """The names that may be private, in lower case."""
        hosts = self.webhook_hosts_allowed.lower().split(",")
        return [host.strip() for host in hosts if host.strip()]
