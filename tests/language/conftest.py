"""The web and licensing on real servers, as the tests of licensing start them."""

from tests.licensing.conftest import licensing, migrated, shared, web

__all__ = ["licensing", "migrated", "shared", "web"]
