"""The starting catalogue and how names are matched (K-01, K-07)."""

import pytest

from services.scoring.classes import Catalogue, Classified, domain, starting_catalogue

CATALOGUE = starting_catalogue()


@pytest.mark.parametrize(
    ("app", "site", "name"),
    [
        ("code", None, "productive"),
        ("EXCEL.EXE", None, "productive"),
        ("steam", None, "unproductive"),
        ("firefox", None, "neutral"),
        ("firefox", "github.com", "productive"),
        ("firefox", "https://www.youtube.com/watch?v=x", "unproductive"),
        ("chrome", "docs.google.com", "productive"),
        ("chrome", "google.com", "neutral"),
        ("chrome", "notgithub.com", "neutral"),
        ("never heard of", "nor.of.this", "neutral"),
        ("", "", "neutral"),
    ],
)
def test_an_app_is_classed_by_its_site_else_by_its_name(app: str, site: str | None, name: str) -> None:
    """K-01"""
    assert CATALOGUE.classify(app, site).name == name


def test_social_media_is_a_tag_beside_the_class() -> None:
    """K-07"""
    assert CATALOGUE.classify("firefox", "m.facebook.com") == Classified("unproductive", True)
    assert CATALOGUE.classify("firefox", "linkedin.com") == Classified("neutral", True)
    assert CATALOGUE.classify("firefox", "youtube.com") == Classified("unproductive", False)


def test_the_closest_site_decides() -> None:
    catalogue = Catalogue(
        1, {}, {"example.org": Classified("unproductive"), "wiki.example.org": Classified("productive")}
    )
    assert catalogue.classify("x", "a.wiki.example.org").name == "productive"
    assert catalogue.classify("x", "example.org").name == "unproductive"


@pytest.mark.parametrize(
    "site",
    ["Example.org", "https://example.org", "https://u:p@example.org:8443/a?b#c", "example.org?x", "example.org/"],
)
def test_a_domain_is_found_in_what_the_agent_sends(site: str) -> None:
    assert domain(site) == "example.org"


def test_the_catalogue_is_of_use_from_the_start() -> None:
    """K-01: some hundred names, each in lower case and in one class."""
    assert CATALOGUE.version >= 1
    assert len(CATALOGUE.apps) + len(CATALOGUE.sites) > 300
    for name in (*CATALOGUE.apps, *CATALOGUE.sites):
        assert name == name.lower().strip()
        assert not name.endswith(".exe")
    for kind in ("apps", "sites"):
        named = getattr(CATALOGUE, kind)
        assert {classified.name for classified in named.values()} >= {"productive", "unproductive"}
