"""Settings every service takes from its environment (``DAYBOOK_…``); each service's own add to these."""

import base64
from functools import cached_property

from nacl.signing import SigningKey
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What all services need to find the bus, their store and their own address."""

    model_config = SettingsConfigDict(env_prefix="DAYBOOK_", extra="ignore")

    nats_url: str = "nats://127.0.0.1:4222"
    bus_seed: SecretStr
    mongo_url: str = "mongodb://127.0.0.1:27017"
    mongo_prefix: str = "daybook"
    http_host: str = "127.0.0.1"
    http_port: int = 8000
    log_level: str = "INFO"
    graceful_seconds: float = 8.0
    trusted_proxies: str = ""
    """Whose ``X-Forwarded-For`` is believed: addresses, comma-separated, or ``*``; nobody's unless named."""

    @cached_property
    def nats_urls(self) -> list[str]:
        """Servers of the bus, from a comma-separated list."""
        return [url.strip() for url in self.nats_url.split(",") if url.strip()]


def signing_key(seed: SecretStr) -> SigningKey:
    """The Ed25519 key of a base64 seed of 32 bytes."""
    return SigningKey(base64.b64decode(seed.get_secret_value()))
