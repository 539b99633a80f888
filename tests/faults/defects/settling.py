"""Wrong acknowledgements."""

from collections.abc import Awaitable, Callable

from nats.aio.client import Client

from services.kit import bus
from services.kit.bus import Delivery

Handle = Callable[[list[Delivery]], Awaitable[None]]


def ack_first() -> None:
    """A batch is acked when it arrives, and handled then."""

    async def settle(batch: list[Delivery], handle: Handle, label: str, client: Client) -> None:
        for one in batch:
            await one.message.ack()
        await client.flush()
        await handle(batch)

    bus._settle = settle


def reject() -> None:
    """FastStream's default, REJECT_ON_ERROR: what fails once is thrown away."""

    async def settle(batch: list[Delivery], handle: Handle, label: str, client: Client) -> None:
        try:
            await handle(batch)
        except Exception:
            for one in batch:
                await one.message.term()
            return
        for one in batch:
            await one.message.ack()

    bus._settle = settle
