"""Every fault by name; importing the modules enters theirs."""

from tests.faults import on_delivery, on_devices, on_diary, on_servers, on_services
from tests.faults.scenes import CATALOGUE

__all__ = ["CATALOGUE", "on_delivery", "on_devices", "on_diary", "on_servers", "on_services"]
