"""The bodies that change something: what they name is to be as they say, and what they do not name stays."""

from typing import Any, ClassVar

from pydantic import ValidationInfo, field_validator

from services.wire.events import Strict


class Changes(Strict):
    """A change of some fields; null is for those that may be nothing, any other is 422."""

    nullable: ClassVar[frozenset[str]] = frozenset()

    @field_validator("*", mode="before")
    @classmethod
    def _no_null(cls, value: Any, info: ValidationInfo) -> Any:
        if value is None and info.field_name not in cls.nullable:
            raise ValueError(f"{info.field_name} cannot be null")
        return value
