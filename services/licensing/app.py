"""Wiring of the licensing service."""

import logging
import os
import signal
from datetime import timedelta
from functools import partial

from services.kit import mongo
from services.kit.bus import Bus
from services.kit.deletions import Deletions
from services.kit.service import Service, run
from services.kit.settings import signing_key
from services.licensing import deleting, devices
from services.licensing.account_handlers import AccountHandlers
from services.licensing.callout import Callout, Issuer
from services.licensing.contacts import Contacts
from services.licensing.entitlements import Entitlements
from services.licensing.handlers import Handlers
from services.licensing.imports import Importer
from services.licensing.kicks import Kicks
from services.licensing.mailings import Mailings
from services.licensing.outward import Outward
from services.licensing.postman import Postman
from services.licensing.pushes import Pushes
from services.licensing.registry import Registry
from services.licensing.settings import LicensingSettings
from services.licensing.settling import Settling
from services.licensing.sign_on import SignOn
from services.licensing.sign_on_handlers import SignOnHandlers
from services.licensing.silence import Silence
from services.licensing.store import Store
from services.licensing.turns import Turns
from services.licensing.vault import Vault

log = logging.getLogger(__name__)


def build(settings: LicensingSettings) -> Service:
    """The service; nothing is connected before it runs."""
    bus = Bus("licensing", settings)
    store = Store(mongo.database(settings, "licensing"), bus)
    kicks = Kicks()
    registry = Registry(store, kicks.soon)
    deletions = Deletions(store.db, partial(deleting.erase, store, bus))
    deletions.attach(bus)
    callout = Callout(registry, deletions.gone, Issuer(settings.issuer_seed.get_secret_value()))
    notice_key, licence_key = signing_key(settings.notice_seed), signing_key(settings.licence_seed)
    session_key = signing_key(settings.session_seed)
    entitlements = Entitlements(store, bus, notice_key, licence_key)
    contacts = Contacts(store, lambda workspace, device: devices.doubt(store, workspace, device, "boots"))
    contacts.register(bus)
    silence = Silence(store, timedelta(hours=settings.silent_hours))
    Handlers(store, entitlements, contacts, session_key, settings.device_urls).register(bus)
    AccountHandlers(store, session_key, deletions).register(bus)
    store.vault = Vault(settings.session_seed.get_secret_value())
    outward = Outward(settings.trusted)
    SignOnHandlers(SignOn(store, session_key, store.vault, outward, settings.public_url)).register(bus)
    postman = Postman(store, settings.smtp_url.get_secret_value(), settings.smtp_sender, settings.public_url)
    importer = Importer(store)
    pushes = Pushes(store, entitlements)
    settling, turns, mailings = Settling(store), Turns(store), Mailings(store)
    stopping = False

    async def begin() -> None:
        await store.prepare()
        await deletions.begin()
        await registry.start()
        await kicks.start(settings.nats_urls, settings.sys_seed.get_secret_value(), closed)
        await callout.start(settings.nats_urls, settings.callout_seed.get_secret_value(), closed)
        store.outbox.start()
        postman.start()
        importer.start()
        pushes.start()
        settling.start()
        mailings.start()
        turns.start()
        contacts.start()
        silence.start()

    async def end() -> None:
        nonlocal stopping
        stopping = True
        await silence.stop()
        await contacts.stop()
        await turns.stop()
        await mailings.stop()
        await settling.stop()
        await pushes.stop()
        await importer.stop()
        await postman.stop()
        await store.outbox.stop()
        await callout.stop()
        await kicks.stop()
        await registry.stop()
        await deletions.stop()
        await outward.close()

    async def closed() -> None:
        # as in kit.bus: a client the bus closed for good is best begun anew with its process
        if not stopping:
            log.error("the bus closed a connection for good: ending, to be started again")
            os.kill(os.getpid(), signal.SIGTERM)

    return Service(
        "licensing",
        settings,
        bus,
        checks={"store": lambda: mongo.ping(store.db), "registry": registry.check, "callout": callout.check},
        before=(begin,),
        after=(end,),
    )


if __name__ == "__main__":
    run(build(LicensingSettings()))
