"""What the checks of bodies say of a field, in a form's words and in the reader's language. Pure.

The API says it as pydantic does, in English; people read one of the messages below.
"""

import re

from services.wire.language import N_, Said, _, again

_CHOICES = r"'[^']*'(?:, '[^']*')*(?: or '[^']*')?"
#: What a check says from its beginning to its end, and what a form says instead; groups are the message's values.
_MESSAGES = (
    (r"Field required", N_("This is needed.")),
    (r"Input should be a valid string.*", N_("This is needed.")),
    (r"String should have at least 1 character\b.*", N_("This is needed.")),
    (r"List should have at least 1 item\b.*", N_("Choose at least one.")),
    (r"Input should be (?P<choices>" + _CHOICES + r")", N_("This should be {choices}.")),
    (r"Input should be a valid integer", N_("This should be a valid integer.")),
    (r"Input should be a valid number", N_("This should be a valid number.")),
    (
        r"Input should be greater than or equal to (?P<least>\S+)",
        N_("This should be greater than or equal to {least}."),
    ),
    (r"Input should be less than or equal to (?P<most>\S+)", N_("This should be less than or equal to {most}.")),
    (r"Input should be greater than (?P<bound>\S+)", N_("This should be greater than {bound}.")),
    (r"Input should be less than (?P<bound>\S+)", N_("This should be less than {bound}.")),
    (r"String should have at most (?P<most>\d+) characters?", N_("This should have at most {most} characters.")),
    (r"String should have at least (?P<least>\d+) characters", N_("This should have at least {least} characters.")),
    (
        r"List should have at most (?P<most>\d+) items? after validation, not (?P<found>\S+)",
        N_("List should have at most {most} items after validation, not {found}."),
    ),
    (r"String should match pattern '(?P<pattern>.*)'", N_("String should match pattern '{pattern}'.")),
    (r"Extra inputs are not permitted", N_("Extra inputs are not permitted.")),
    (
        r"(?P<typed>'.*') does not appear to be an IPv4 or IPv6 network",
        N_("{typed} does not appear to be an IPv4 or IPv6 network."),
    ),
    (r"not an instant in UTC like (?P<like>\S+): (?P<typed>'.*')", N_("Not an instant in UTC like {like}: {typed}.")),
    (
        r"a week is named by its Monday, and (?P<day>\S+) is none",
        N_("A week is named by its Monday, and {day} is none."),
    ),
    (r"(?P<field>\w+) cannot be null", N_("{field} cannot be null.")),
)
_PATTERNS = tuple((re.compile(pattern), message) for pattern, message in _MESSAGES)
#: Where none of these fits, what a check's words begin with.
_BEGINNINGS = {"Value error, ": "", "Input should be ": "This should be ", "String should have ": "This should have "}


def in_form(words: str) -> str:
    """A sentence for people: what a check of a field, or a refusal, says of it."""
    words = words.strip()
    for pattern, message in _PATTERNS:
        if found := pattern.fullmatch(words):
            values = found.groupdict()
            if "choices" in values:
                values["choices"] = _choices(values["choices"])
            return _sentence(again(Said(words, message, values)))
    for said, better in _BEGINNINGS.items():
        if words.startswith(said):
            words = better + words.removeprefix(said)
    return _sentence(again(words.strip()))


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", "!", "?")) else ".")


def _choices(words: str) -> str:
    """``'a', 'b' or 'c'`` in the reader's language."""
    *several, last = re.findall(r"'[^']*'", words)
    return _("{several} or {last}", several=", ".join(several), last=last) if several else last
