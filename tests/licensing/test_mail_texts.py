"""What mails say, and how long the pauses between tries are (W-07). Pure."""

from email import message_from_bytes, policy

from services.licensing import mail_texts
from services.licensing.mail_texts import SWITCHABLE, TEXTS, compose
from services.licensing.postman import retry_after


def test_every_kind_can_be_written() -> None:
    """A name cannot bring a header or a line into a mail; the signature names the workspace."""
    names = "name workspace_name inviter role changes device since reason week summary decision contract decider"
    values = dict.fromkeys(names.split(), "a\r\nBcc: x@example.test\n\nb")
    for kind in TEXTS:
        made = compose(kind, "lisa@example.test", values, "https://d.example/p?token=T", "Daybook <d@e.test>", "<1@e>")
        read = message_from_bytes(bytes(made), policy=policy.default)
        assert (read["Bcc"], read["To"], read["Message-ID"]) == (None, "lisa@example.test", "<1@e>")
        body = read.get_content()
        # before the address is confirmed, the workspace is only what somebody typed: no mail comes in its name
        named = kind != "verification"
        assert ("Sent by Daybook for a Bcc: x@example.test b" in body) is named
        assert ("via Daybook" in read["From"]) is named
        assert ("https://d.example/p?token=T" in body) is bool(TEXTS[kind].page)
    assert set(SWITCHABLE) < set(TEXTS)
    assert mail_texts.clean("a\u2028b\x00c") == "a b c"


def test_pauses_grow_to_half_an_hour() -> None:
    for tries in (1, 2, 8, 12, 500):
        assert 0.5 * min(1800, 2 ** min(tries - 1, 20)) <= retry_after(tries).total_seconds() <= 1800
