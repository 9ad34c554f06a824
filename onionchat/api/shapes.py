"""What all parameters and results of the methods are made of."""

from typing import Annotated, Literal

import msgspec

Seconds = Annotated[int, msgspec.Meta(ge=0, le=10 * 365 * 86400)]
Trust = Literal["unvalidated", "validated", "compromised"]
MessageState = Literal["waiting", "sent", "delivered", "received"]
InvitationState = Literal["publishing", "published", "waiting", "pending", "used", "expired", "closed"]


def duration_text(seconds: int) -> str:
    """1 d, 12 h, 30 min, 45 s: the largest unit that fits without a rest."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


class Params(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of all parameters: a JSON object; unknown keys are refused."""


class Result(msgspec.Struct, kw_only=True):
    """Base of all results: a JSON object; clients ignore keys that they do not know."""


class Nothing(Params):
    """No parameters."""


class Done(Result):
    """It was done; `notice` says what else the user should know."""

    notice: str = ""
