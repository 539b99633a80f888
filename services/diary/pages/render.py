"""The templates: one environment, everything escaped, icons as ready-made references into one sprite."""

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from services.wire import language

DIARY = Path(__file__).parents[1]
STATIC = DIARY / "static"

_BRAND = Markup(
    '<svg viewBox="0 0 25 14" aria-hidden="true"><path d="M0 0h4v6H0zM5 0h4v6H5zM10 0h4v6h-4zM15 4h4v2h-4zM20 0h4v6h-4z'
    'M0 12h4v2H0zM5 8h4v6H5zM10 8h4v6h-4zM15 8h4v6h-4zM20 8h4v6h-4z"/></svg>'
)


@cache
def static(name: str) -> str:
    """The address of a static file, with the start of its hash, so that it may be kept for ever."""
    if not (STATIC / name).exists():  # what deploy/vendor.sh brings: without it pages still read, and stand still
        return f"/static/{name}"
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


def _use(classes: str, name: str) -> Markup:
    return Markup('<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>').format(
        classes, static("icons.svg"), name
    )


def _symbols(kind: str) -> list[str]:
    """The names of the sprite's icons (``i``) or glyphs (``g``)."""
    return re.findall(rf'id="{kind}-([\w-]+)"', (STATIC / "icons.svg").read_text("utf-8"))


def _gettext(message: str, /, **values: Any) -> Markup:
    """A message of a template in the reader's language. It is the template's own text and may hold elements; its
    values are escaped. Only literals are messages: what is in a variable is said by the filter ``again``.
    """
    return Markup(language.catalogue(language.spoken()).gettext(message)).format(**values)  # noqa: S704


def _ngettext(one: str, many: str, number: int, /, **values: Any) -> Markup:
    text = language.catalogue(language.spoken()).ngettext(one, many, number)
    return Markup(text).format(number=language.number(number), **values)  # noqa: S704


def _pgettext(context: str, message: str, /, **values: Any) -> Markup:
    text = language.catalogue(language.spoken()).pgettext(context, message)
    return Markup(text).format(**values)  # noqa: S704


@cache
def environment() -> Environment:
    """The one Jinja environment; a name that a template misses is an error, not an empty string."""
    made = Environment(
        loader=FileSystemLoader(DIARY / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters["again"] = language.again
    made.globals.update(
        _=_gettext,
        ngettext=_ngettext,
        pgettext=_pgettext,
        number=language.number,
        spoken=language.spoken,
        static=static,
        brand=_BRAND,
        icons={name: _use("i", f"i-{name}") for name in _symbols("i")},
        no_shield=_use("i no", "i-unshield"),
        glyphs={name: _use("g", f"g-{name}") for name in _symbols("g")},
        oob=False,
        toast="",
        hint="",
        again="",
    )
    return made


def render(template: str, **context: Any) -> str:
    """A page or a fragment."""
    return environment().get_template(template).render(**context)
