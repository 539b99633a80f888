"""What licensing takes from its environment beyond what every service does."""

from functools import cached_property

from pydantic import SecretStr

from services.kit.settings import Settings


class LicensingSettings(Settings):
    """The keys it signs with, where devices find the bus and people the web, and who delivers mails."""

    notice_seed: SecretStr
    session_seed: SecretStr
    licence_seed: SecretStr
    issuer_seed: SecretStr
    callout_seed: SecretStr
    sys_seed: SecretStr
    bus_public_urls: str = "nats://127.0.0.1:4222"
    public_url: str = "http://127.0.0.1:8080"
    trusted_hosts: str = ""
    """Hosts (comma-separated) that may be private, and asked without TLS, where a workspace names them (outward.py)."""
    smtp_url: SecretStr = SecretStr("")
    """Where mails are handed over (postman.py); empty: they wait."""
    silent_hours: int = 72
    """After how long without a word from a device its admins are told (W-07)."""
    smtp_sender: str = "Daybook <daybook@localhost>"

    @cached_property
    def trusted(self) -> list[str]:
        """The hosts of ``trusted_hosts``."""
        return [host.strip().lower() for host in self.trusted_hosts.split(",") if host.strip()]

    @cached_property
    def device_urls(self) -> list[str]:
        """Servers of the bus as devices reach them."""
        return [url.strip() for url in self.bus_public_urls.split(",") if url.strip()]
