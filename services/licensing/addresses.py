"""From where a workspace may be entered: ranges of addresses, none meaning everywhere. Pure (W-01)."""

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Annotated

from pydantic import AfterValidator, Field


def _range(text: str) -> str:
    return str(ip_network(text.strip(), strict=False))


Range = Annotated[str, Field(max_length=64), AfterValidator(_range)]


def allows(ranges: Sequence[str], address: str) -> bool:
    """Whether an address lies in one of the ranges; one that is none lies in none."""
    if not ranges:
        return True
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    networks = (ip_network(one, strict=False) for one in ranges)
    return any(found.version == one.version and found in one for one in networks)
