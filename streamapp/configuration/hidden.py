"""Values without what must not be read over a shoulder, or in somebody's log."""

from __future__ import annotations

import re

from pydantic import SecretStr

HIDDEN = "***"

# Greedy: a password may hold any of :/@ although it should not. Rather too much than too little.
_PASSWORD = re.compile(r"(://[^:@]*):.*@", re.DOTALL)
_QUERY = re.compile(r"\?.*", re.DOTALL)


def without_secrets(value: object) -> str:
    """The value as it is written into the environment, its secrets as `HIDDEN`.

    Of an address the password and the query are hidden, of another secret all of it.
    """
    is_secret = isinstance(value, SecretStr)
    text = value.get_secret_value() if isinstance(value, SecretStr) else written(value)
    if "://" in text:
        return _QUERY.sub(f"?{HIDDEN}", _PASSWORD.sub(rf"\1:{HIDDEN}@", text))
    return HIDDEN if is_secret and text else text


def written(value: object) -> str:
    """``true``, ``0.2``, ``5``: numbers without a fraction of nothing."""
    text = str(value)
    if isinstance(value, bool):
        return text.lower()
    return text.removesuffix(".0") if isinstance(value, float) else text
