"""The envelopes of JSON-RPC 2.0, and errors as they travel. One JSON object a line."""

from typing import Annotated, Any

import msgspec

from onionchat.api import types as t
from onionchat.errors import ExitCode, LocalError, LockedError, NoNodeError, OnionchatError, TorError, UsageError

ERROR_CODE_BASE = -32000  # the code of an error is this minus the exit code of the command line
ID_MAX_CHARACTERS = 128

CallId = (
    Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
    | Annotated[str, msgspec.Meta(max_length=ID_MAX_CHARACTERS)]
    | None
)
EMPTY = msgspec.Raw(b"{}")


class Call(msgspec.Struct):
    """What a client sends. Without `id` it is a notification, and gets no answer."""

    jsonrpc: str
    method: str
    id: CallId | msgspec.UnsetType = msgspec.UNSET
    params: msgspec.Raw = EMPTY


class ErrorData(msgspec.Struct):
    """`exit_code`: what the command line would end with."""

    exit_code: int = int(ExitCode.REFUSED)


class ErrorObject(msgspec.Struct):
    """`code` is -32000 minus the exit code; `message` is one line for people."""

    code: int
    message: str
    data: ErrorData = msgspec.field(default_factory=ErrorData)


class Incoming(msgspec.Struct):
    """What a client receives: an answer (`id` with `result` or `error`) or an event (`method`, `params`)."""

    id: int | str | None = None
    result: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    error: ErrorObject | None = None
    method: str = ""
    params: msgspec.Raw = EMPTY


encoder = msgspec.json.Encoder()
_EVENT_HEAD = b'{"jsonrpc":"2.0","method":"event","params":'


def result_line(call_id: CallId, result: Any) -> bytes:
    """The answer to a call that worked."""
    return b'{"jsonrpc":"2.0","id":%b,"result":%b}\n' % (encoder.encode(call_id), encoder.encode(result))


def error_line(call_id: CallId, error: OnionchatError) -> bytes:
    """The answer to a call that did not."""
    code = int(error.exit_code)
    found = ErrorObject(ERROR_CODE_BASE - code, str(error), ErrorData(code))
    return b'{"jsonrpc":"2.0","id":%b,"error":%b}\n' % (encoder.encode(call_id), encoder.encode(found))


def event_line(event: t.Event) -> bytes:
    """An event, as a notification."""
    return _EVENT_HEAD + encoder.encode(event) + b"}\n"


def call_line(call_id: int, method: str, params: t.Params) -> bytes:
    """A call, as a client sends it."""
    head = b'{"jsonrpc":"2.0","id":%d,"method":%b,"params":' % (call_id, encoder.encode(method))
    return head + encoder.encode(params) + b"}\n"


def error_from(found: ErrorObject) -> OnionchatError:
    """The exception that an error object stands for."""
    kinds: dict[int, type[OnionchatError]] = {
        ExitCode.USAGE: UsageError,
        ExitCode.LOCKED: LockedError,
        ExitCode.NO_NODE: NoNodeError,
        ExitCode.NO_TOR: TorError,
    }
    return kinds.get(found.data.exit_code, LocalError)(found.message)
