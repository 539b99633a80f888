"""What is said of a body that cannot be taken (V-04): the field and why, without its content or the library's words."""

from typing import Self

import pytest
from pydantic import field_validator, model_validator

from services.wire.events import Strict, check


class Span(Strict):
    start: int
    end: int

    @field_validator("start")
    @classmethod
    def _after_all(cls, start: int) -> int:
        if start < 0:
            raise ValueError("not before the beginning")
        return start

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end < self.start:
            raise ValueError("end before start")
        return self


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"start": -1, "end": 2}, "start: not before the beginning"),
        ({"start": 3, "end": 2}, "the body: end before start"),
        ({"start": "secret", "end": 2}, "start: Input should be a valid integer"),
        ({"start": 1}, "end: Field required"),
        ({"start": 1, "end": 2, "more": "secret"}, "more: Extra inputs are not permitted"),
    ],
)
def test_it_names_the_field_or_the_body_and_no_class(value: object, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        check(Span, value)
    assert str(caught.value) == said
