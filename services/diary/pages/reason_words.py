"""Reasons as the pages word them: why a segment is not protected (S-09), and why a record is held back (B-02). Pure."""

from services.wire.language import N_, _, again

_SHORT = {
    "no_capture": N_("no picture"),
    "no_activity": N_("no activity"),
    "no_memo": N_("neither memo nor label"),
    "capture_pending": N_("waiting for its picture"),
    "manual": N_("manual time"),
}
_SENTENCES = {
    "no_capture": (N_("has no picture."), N_("have no picture.")),
    "no_activity": (N_("had no activity in ten minutes."), N_("had no activity in ten minutes.")),
    "no_memo": (N_("has neither memo nor label."), N_("have neither memo nor label.")),
    "capture_pending": (N_("is waiting for its picture."), N_("are waiting for their pictures.")),
    "manual": (N_("is manual time."), N_("are manual time.")),
}
_HELD = {
    "invalid": N_("cannot be read"),
    "bad_signature": N_("not signed by this computer"),
    "unknown_contract": N_("unknown contract"),
    "outside_licence": N_("outside its licence's time"),
    "clock_ahead": N_("from a clock that is ahead"),
    "too_old": N_("older than 180 days"),
    "conflict": N_("another record has this number"),
    "revoked": N_("made after the revocation"),
}


def unprotected(reason: str) -> str:
    """Why a segment is not protected, in a few words."""
    return again(_SHORT[reason]) if reason in _SHORT else _spelt(reason)


def unprotected_sentence(reason: str, number: int) -> str:
    """The same of so many segments, as what follows their times: ``have no picture.``"""
    if reason not in _SENTENCES:
        return _("not protected: {reason}.", reason=_spelt(reason))
    one, many = _SENTENCES[reason]
    return again(one if number == 1 else many)


def held(reason: str) -> str:
    """Why a record is held back (fine-print.md, *Records*)."""
    return again(_HELD[reason]) if reason in _HELD else _spelt(reason)


def _spelt(reason: str) -> str:
    return reason.replace("_", " ")
