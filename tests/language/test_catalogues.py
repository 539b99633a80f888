"""The catalogues hold every message, each translated, with its values, elements and fields in it (W-06)."""

import ast
import gettext
import io
import re
import string
import tomllib
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from services.wire.language import DOMAIN, ENGLISH, LANGUAGES, LOCALE
from tests.language import unmarked

SERVICES = LOCALE.parents[1]
FOLDERS = SERVICES, SERVICES.parent / "agent"
every_language = pytest.mark.parametrize("language", [code for code in LANGUAGES if code != ENGLISH])
Key = tuple[str | None, str, str]
"""Context, message, plural."""


@cache
def collected() -> frozenset[Key]:
    """What the source says, as ``deploy/languages.sh`` collects it."""
    mappings = tomllib.loads((LOCALE / "babel.toml").read_text("utf-8"))["mappings"]
    methods = [(str(one["pattern"]), str(one["method"])) for one in mappings]
    options = {one["pattern"]: {k: v for k, v in one.items() if k not in ("pattern", "method")} for one in mappings}
    catalogue = Catalog()
    for folder in FOLDERS:
        for _file, _line, message, _comments, context in extract_from_dir(
            folder, methods, options, keywords=DEFAULT_KEYWORDS
        ):
            catalogue.add(message, context=context)
    return frozenset(key_of(one) for one in catalogue if one.id)


def key_of(message: Message) -> Key:
    one, many = message.id if isinstance(message.id, tuple) else (message.id, "")
    return message.context, str(one), str(many)


def _file(language: str, kind: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.{kind}"


@cache
def messages(language: str) -> tuple[Message, ...]:
    with _file(language, "po").open("rb") as file:
        return tuple(one for one in read_po(file, locale=language) if one.id)


def pairs(language: str) -> list[tuple[str, str]]:
    """(message, translation), of plurals each form with the message that it is of."""
    found = []
    for one in messages(language):
        if isinstance(one.id, tuple):
            assert isinstance(one.string, tuple | list)
            found += [(one.id[min(form, 1)], said) for form, said in enumerate(one.string)]
        else:
            found.append((str(one.id), str(one.string)))
    return found


@every_language
def test_the_catalogue_holds_what_the_source_says_and_nothing_else(language: str) -> None:
    """Else: ``make languages``, then translate what is empty, then ``make languages`` again."""
    held = {key_of(one) for one in messages(language)}
    assert held - collected() == set(), "nobody says these any more"
    assert collected() - held == set(), "these are not in the catalogue"


@every_language
def test_every_message_is_translated(language: str) -> None:
    assert [message for message, said in pairs(language) if not said.strip()] == []
    assert [one.id for one in messages(language) if one.fuzzy] == []


@every_language
def test_what_is_compiled_is_what_is_written(language: str) -> None:
    compiled, written = io.BytesIO(), Catalog(locale=language)
    for one in messages(language):
        written.add(one.id, one.string, context=one.context)
    write_mo(compiled, written)
    compiled.seek(0)
    with _file(language, "mo").open("rb") as file:
        shipped = vars(gettext.GNUTranslations(file))["_catalog"]
    expected = vars(gettext.GNUTranslations(compiled))["_catalog"]
    assert {k: v for k, v in shipped.items() if k} == {k: v for k, v in expected.items() if k}


def _places(text: str) -> set[str]:
    """The names in braces; ValueError where a brace has no other."""
    return {str(name) for _text, name, _spec, _conversion in string.Formatter().parse(text) if name is not None}


def _takes_values(message: str) -> bool:
    """A message that has names in braces is filled; others may hold any braces."""
    try:
        return bool(_places(message))
    except ValueError:
        return False


@every_language
def test_a_translation_asks_for_the_same_values(language: str) -> None:
    """What it asks for beyond them would be an error before its reader's eyes; plurals may leave the number out."""
    for message, said in pairs(language):
        if _takes_values(message):
            missing = _places(message) - _places(said)
            assert _places(said) <= _places(message) | {"number", "count"}, message
            assert missing <= {"number", "count"}, message
            assert all(name.isidentifier() for name in _places(said)), message


_TAG = re.compile(r"</?[a-z][^>]*>")
_FIELD = re.compile(r"^(?:[a-z_]+|\{field\}): ")


@every_language
def test_a_translation_has_the_same_elements(language: str) -> None:
    """And no others: it stands in pages as it is."""
    for message, said in pairs(language):
        assert sorted(_TAG.findall(said)) == sorted(_TAG.findall(message)), message
        without = _TAG.sub("", said)
        assert '"' not in without or '"' in _TAG.sub("", message), f"would end an attribute: {said}"
        assert "<" not in without, said


@every_language
def test_a_refusal_still_names_its_field(language: str) -> None:
    """``member: there is no such member``: forms find their field by it."""
    refusals = _refusals()
    assert len(refusals) > 20
    for message, said in pairs(language):
        if message in refusals and (found := _FIELD.match(message)):
            assert said.startswith(found[0]), message


def _refusals() -> set[str]:
    """The messages of ``invalid(_("field: …"))``."""
    calls = (node for path in SERVICES.rglob("*.py") for node in ast.walk(ast.parse(path.read_text("utf-8"))))
    found = set()
    for node in calls:
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "invalid" and node.args:
            texts = [one.value for one in ast.walk(node.args[0]) if isinstance(one, ast.Constant)]
            found |= {text for text in texts if isinstance(text, str)}
    return found


def test_what_people_read_is_marked() -> None:
    assert [str(one) for one in unmarked.found([unmarked.TEMPLATES, unmarked.ROOT / "services"])] == []
