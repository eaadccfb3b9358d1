"""The settings of webhooks: an address that can be one, a secret that signs, hosts by name."""

from __future__ import annotations

import pytest

from streamapp.errors import StreamappError
from streamapp.settings import read_settings
from streamapp.webhook_settings import is_url
from tests.webhook_receiver import OLD_SECRET, SECRET


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "http://example.com:8080/hook?token=a%20b&c=d",
        "https://xn--caf-dma.example/",
        "http://127.0.0.1/hook",
        f"https://example.com/{'x' * 900}",
    ],
)
def test_an_address_of_a_receiver_is_taken(url: str) -> None:
    assert is_url(url)
    assert read_settings(webhook_url=url, webhook_secret=SECRET).webhook_url == url


@pytest.mark.parametrize(
    "url",
    [
        "example.com/hook",
        "ftp://example.com/",
        "http://",
        "http:///hook",
        "https://user:password@example.com/",
        "https://example.com/#fragment",
        "https://example.com/a b",
        "https://example.com/\n",
        "https://example.com\n",
        "https://café.example/",
        "https://example.com:123456/",
        f"https://example.com/{'x' * 901}",
        "javascript:alert(1)",
    ],
)
def test_what_is_none_is_refused(url: str) -> None:
    assert not is_url(url)
    with pytest.raises(StreamappError, match="WEBHOOK_URL"):
        read_settings(webhook_url=url, webhook_secret=SECRET)


@pytest.mark.parametrize(
    "secret", ["hush", "whsec_", "whsec_!!!!", "whsec_aGk=", SECRET.removeprefix("whsec_")]
)
def test_a_secret_that_does_not_sign_is_refused_and_not_told(secret: str) -> None:
    with pytest.raises(StreamappError, match="WEBHOOK_SECRET") as refused:
        read_settings(webhook_secret=secret)
    assert secret == "whsec_" or secret not in str(refused.value)


def test_no_webhook_is_sent_unsigned() -> None:
    with pytest.raises(StreamappError, match=r"WEBHOOK_URL: .*needs a WEBHOOK_SECRET"):
        read_settings(webhook_url="https://example.com/")


def test_several_secrets_are_taken_while_they_are_changed() -> None:
    settings = read_settings(webhook_secret=f"{SECRET} {OLD_SECRET}")
    assert settings.webhook_secrets == [SECRET, OLD_SECRET]
    assert SECRET not in repr(settings)


def test_hosts_are_named_one_by_one() -> None:
    settings = read_settings(webhook_hosts_allowed="Hooks.Internal, 10.0.0.5,")
    assert settings.webhook_hosts == ["hooks.internal", "10.0.0.5"]
    assert read_settings().webhook_hosts == []
