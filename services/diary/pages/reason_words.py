"""Reasons as the pages word them: why a segment is not protected (S-09), and why a record is held back (B-02). Pure."""

_SHORT = {
    "no_capture": "no picture",
    "no_activity": "no activity",
    "no_memo": "neither memo nor label",
    "capture_pending": "waiting for its picture",
    "manual": "manual time",
}
_SENTENCES = {
    "no_capture": ("has no picture.", "have no picture."),
    "no_activity": ("had no activity in ten minutes.", "had no activity in ten minutes."),
    "no_memo": ("has neither memo nor label.", "have neither memo nor label."),
    "capture_pending": ("is waiting for its picture.", "are waiting for their pictures."),
    "manual": ("is manual time.", "are manual time."),
}
_HELD = {
    "invalid": "cannot be read",
    "bad_signature": "not signed by this computer",
    "unknown_contract": "unknown contract",
    "outside_licence": "outside its licence's time",
    "clock_ahead": "from a clock that is ahead",
    "too_old": "older than 180 days",
    "conflict": "another record has this number",
    "revoked": "made after the revocation",
}


def unprotected(reason: str) -> str:
    """Why a segment is not protected, in a few words."""
    return _SHORT.get(reason) or _spelt(reason)


def unprotected_sentence(reason: str, number: int) -> str:
    """The same of so many segments, as what follows their times: ``have no picture.``"""
    one, many = _SENTENCES.get(reason) or (f"not protected: {_spelt(reason)}.",) * 2
    return one if number == 1 else many


def held(reason: str) -> str:
    """Why a record is held back (fine-print.md, *Records*)."""
    return _HELD.get(reason) or _spelt(reason)


def _spelt(reason: str) -> str:
    return reason.replace("_", " ")
