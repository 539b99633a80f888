"""What pydantic says of a field reaches people as a sentence in their language (W-06)."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, create_model

from services.diary.pages.checked import in_form
from services.licensing.addresses import Range
from services.licensing.people import Email
from services.licensing.workspaces import Version, Zone
from services.wire.events import Instant, Strict, check
from services.wire.language import Code, speaking
from services.wire.names import Name

_CHECKS: list[tuple[Any, Any, str, str]] = [
    (Name, "", "This is needed.", "Das wird gebraucht."),
    (Name, None, "This is needed.", "Das wird gebraucht."),
    (Name, "x" * 101, "This should have at most 100 characters.", "Das darf höchstens 100 Zeichen haben."),
    (Name, "a\x00b", "One line, without control characters.", "Eine Zeile, ohne Steuerzeichen."),
    (Annotated[str, Field(min_length=10)], "short", "This should have at least 10 characters.", "Das muss"),
    (Annotated[int, Field(ge=0)], -1, "This should be greater than or equal to 0.", "Das muss mindestens 0 sein."),
    (Annotated[int, Field(le=100)], 101, "This should be less than or equal to 100.", "Das darf höchstens 100 sein."),
    (int, "x", "This should be a valid integer.", "Das muss eine ganze Zahl sein."),
    (Code, "fr", "This should be 'en' or 'de'.", "Erlaubt ist 'en' oder 'de'."),
    (Literal["a", "b", "c"], "d", "This should be 'a', 'b' or 'c'.", "Erlaubt ist 'a', 'b' oder 'c'."),
    (Annotated[list[int], Field(min_length=1)], [], "Choose at least one.", "Wählen Sie mindestens eines."),
    (
        Annotated[list[int], Field(max_length=1)],
        [1, 2],
        "List should have at most 1 items after validation, not 2.",
        "Es dürfen höchstens 1 Einträge sein, nicht 2.",
    ),
    (Zone, "Mars", "Not a time zone like Europe/Berlin.", "Keine Zeitzone wie Europe/Berlin."),
    (Email, "x", "Not an e-mail address.", "Keine E-Mail-Adresse."),
    (Range, "x", "'x' does not appear to be an IPv4 or IPv6 network.", "'x' ist kein IPv4- oder IPv6-Netz."),
    (Version, "x", "String should match pattern", "Der Text muss dem Muster"),
    (Instant, "x", "Not an instant in UTC like 2026-11-21T10:10:00Z: 'x'.", "Kein Zeitpunkt in UTC wie"),
]


def _said(kind: Any, value: Any) -> str:
    """What the check of a field of this kind says, without the field."""
    model = create_model("Model", __base__=Strict, field=(kind, ...))
    with pytest.raises(ValueError, match="field: ") as refused:
        check(model, {"field": value})
    return str(refused.value).removeprefix("field: ")


@pytest.mark.parametrize(("kind", "value", "english", "german"), _CHECKS)
def test_what_a_check_says(kind: Any, value: Any, english: str, german: str) -> None:
    words = _said(kind, value)
    assert in_form(words).startswith(english)
    with speaking("de"):
        assert in_form(words).startswith(german)


def test_what_no_message_fits_is_a_sentence_all_the_same() -> None:
    with speaking("de"):
        assert in_form("Input should be None") == "This should be None."
        assert in_form("das Feld passt nicht") == "Das Feld passt nicht."
