"""Classes of applications and websites (K-01, K-07): pure matching against a catalogue; classes.toml is shipped.

An app's class is its site's where the site is known, for a browser is what is open in it; else its own.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

Class = Literal["productive", "unproductive", "neutral"]

_NEUTRAL: Class = "neutral"


class Classified(NamedTuple):
    """The class of an application or site, and whether it is social media."""

    name: Class
    social: bool = False


_UNKNOWN = Classified(_NEUTRAL)


@dataclass(frozen=True)
class Catalogue:
    """Classes by application and by site, and the version that scores made with it carry."""

    version: int
    apps: Mapping[str, Classified]
    sites: Mapping[str, Classified]

    def classify(self, app: str, site: str | None) -> Classified:
        """The class of an application in front, with the site it showed (a domain or URL) or None."""
        if site and (found := self._of_site(domain(site))):
            return found
        return self.apps.get(app.lower().removesuffix(".exe"), _UNKNOWN)

    def _of_site(self, name: str) -> Classified | None:
        """The closest entry: ``docs.google.com`` before ``google.com``."""
        while name:
            if found := self.sites.get(name):
                return found
            _, _, name = name.partition(".")
        return None


@lru_cache(10_000)
def domain(site: str) -> str:
    """The host of a domain or URL, in lower case, without port."""
    _, _, rest = site.rpartition("://")
    host = rest.partition("/")[0].partition("?")[0].partition("#")[0].rpartition("@")[2].partition(":")[0]
    return host.lower().strip(".")


def read_catalogue(document: Mapping[str, Any]) -> Catalogue:
    """A catalogue from its TOML: lists of ``apps`` and ``sites`` under ``productive``, ``unproductive``, ``social``."""
    tables: dict[str, dict[str, Classified]] = {}
    for kind in ("apps", "sites"):
        social = set(document["social"][kind])
        of_class: dict[str, Class] = dict.fromkeys(social, _NEUTRAL)
        of_class |= dict.fromkeys(document["productive"][kind], "productive")
        of_class |= dict.fromkeys(document["unproductive"][kind], "unproductive")
        tables[kind] = {name: Classified(of_class[name], name in social) for name in of_class}
    return Catalogue(document["version"], tables["apps"], tables["sites"])


@cache
def starting_catalogue() -> Catalogue:
    """The shipped catalogue, which every workspace starts with."""
    return read_catalogue(tomllib.loads((Path(__file__).parent / "classes.toml").read_text()))
