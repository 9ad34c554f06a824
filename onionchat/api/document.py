"""Writes docs/api.md from the table of methods: `python -m onionchat.api.document > docs/api.md`."""

import inspect
import types as python_types
import typing
from typing import Any, Literal, get_args, get_origin

import msgspec

from onionchat.api import types as t
from onionchat.api.methods import EVENTS, METHODS, Method
from onionchat.limits import API_CALLS_IN_FLIGHT_MAX, API_CLIENTS_MAX, API_EVENTS_QUEUED_MAX, API_LINE_MAX_BYTES

_HEAD = f"""\
# The local API

*Made from `onionchat/api/methods.py` and `types.py` by `make docs`; do not edit.*

The console, the command line, gateways and bots all speak to a running node in this one way.

## The socket
JSON-RPC 2.0, one JSON object a line (UTF-8, ended by `\\n`), over the Unix socket `api.sock` in the profile's folder.
Its mode is 0600, and the node asks the kernel who is at the other end: only its own user is served. Where that
path is longer than 107 bytes, the socket stands in `$XDG_RUNTIME_DIR` (else in `onionchat-UID` among the temporary
files), named `onionchat-HASH.sock`, where HASH is the BLAKE2b-128 of the long path in hexadecimal digits.

```
→ {{"jsonrpc":"2.0","id":1,"method":"message.send","params":{{"name":"bob","text":"Fine"}}}}
← {{"jsonrpc":"2.0","id":1,"result":{{"id":"…52 characters…"}}}}
→ {{"jsonrpc":"2.0","id":2,"method":"subscribe","params":{{"events":["message","delivered"]}}}}
← {{"jsonrpc":"2.0","id":2,"result":{{"notice":""}}}}
← {{"jsonrpc":"2.0","method":"event","params":{{"event":"delivered","time":1790000000000,"id":"…","in":"bob"}}}}
```

- Calls may be pipelined. **Answers come in the order in which calls finish**: go by `id` (an integer of 64 bits or a
  string of at most 128 characters). A call without `id` gets no answer. There are no batches.
- Parameters are an object; a key that a method does not know is refused. Results may get more keys in time: ignore
  those that you do not know.
- An error has `code` = -32000 minus the exit code of the command line, `message` (one line for people), and
  `data.exit_code`: 1 refused or failed, 2 wrong usage (also: no JSON, unknown method or parameter), 3 locked or wrong
  passphrase, 4 no node, 5 Tor cannot be reached.
- A line has at most {API_LINE_MAX_BYTES} bytes; a longer one ends the connection. One client may have
  {API_CALLS_IN_FLIGHT_MAX} calls without an answer, then it is not read until some are answered. There may
  be {API_CLIENTS_MAX} clients. A subscriber that leaves {API_EVENTS_QUEUED_MAX} events unread is disconnected.
- Times are milliseconds since 1970 unless a name says seconds; identifiers are lower-case base32. Text from other
  people has been made safe for a terminal.
"""


def page() -> str:
    """The whole page."""
    lines = [_HEAD, "## Methods", *_summary()]
    for method in METHODS:
        lines += _method(method)
    lines += _events() + _types()
    return "\n".join(lines).rstrip() + "\n"


def _summary() -> list[str]:
    rows = [f"| [`{m.name}`](#{_anchor(m.name)}) | {m.help} |" for m in METHODS]
    return ["| method | does |", "|---|---|", *rows, ""]


def _method(method: Method) -> list[str]:
    lines = [f"### {method.name}", method.help + _marks(method), ""]
    described = inspect.getdoc(method.params) or ""
    if method.params is not t.Nothing:
        lines += [f"Parameters: {described}", "", *_fields(method.params)]
    return [*lines, f"Result: {type_text(method.result)}.", ""]


def _marks(method: Method) -> str:
    marks = ["only at a running node"] if method.live else []
    marks += ["also while it is locked"] if method.locked else []
    return f" *({', '.join(marks).capitalize()}.)*" if marks else ""


def _fields(struct: type[msgspec.Struct]) -> list[str]:
    rows = ["| key | type | default |", "|---|---|---|"]
    hints = typing.get_type_hints(struct, include_extras=True)
    for field in msgspec.structs.fields(struct):
        rows.append(f"| `{field.encode_name}` | {type_text(hints[field.name])} | {_default(field)} |")
    return [*rows, ""]


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.default_factory is not msgspec.NODEFAULT:
        return f"`{_json(field.default_factory())}`"
    if field.default is msgspec.NODEFAULT:
        return "*required*"
    return "*left out*" if field.default is msgspec.UNSET else f"`{_json(field.default)}`"


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def type_text(kind: Any) -> str:
    """A type as the page names it: JSON's own words, and links to the objects below."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is typing.Annotated:
        return type_text(arguments[0]) + _bounds(arguments[1])
    if origin is Literal:
        return ", ".join(f"`{_json(value)}`" for value in arguments)
    if origin in (typing.Union, python_types.UnionType):
        return " or ".join(type_text(each) for each in arguments if each is not msgspec.UnsetType)
    if origin is list:
        return f"list of {type_text(arguments[0])}"
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return f"[{kind.__name__}](#{_anchor(kind.__name__)})"
    return {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}[kind]


def _bounds(meta: msgspec.Meta) -> str:
    bounds = {"≥": meta.ge, "≤": meta.le, "length ≥": meta.min_length, "length ≤": meta.max_length}
    text = ", ".join(f"{sign} {value}" for sign, value in bounds.items() if value is not None)
    return f" ({text})" if text else ""


def _anchor(title: str) -> str:
    return "".join(c for c in title.lower() if c.isalnum() or c in "-_")


def _events() -> list[str]:
    described = inspect.cleandoc(inspect.getdoc(t.Event) or "").replace("\n\n", "\n")
    names = ", ".join(f"`{name}`" for name in EVENTS)
    return ["## Events", f"Names: {names}.", "", described, "", *_fields(t.Event)]


def _types() -> list[str]:
    lines = ["## Objects in results", ""]
    for kind in _results():
        lines += [f"### {kind.__name__}", inspect.getdoc(kind) or "", "", *_fields(kind)]
    return lines


def _results() -> list[type[msgspec.Struct]]:
    """Every object that a method answers with, itself or inside another, each once."""
    found: dict[str, type[msgspec.Struct]] = {}
    pending: list[Any] = [method.result for method in METHODS]
    while pending:
        kind = pending.pop(0)
        pending += get_args(kind)
        if isinstance(kind, type) and issubclass(kind, t.Result) and kind.__name__ not in found:
            found[kind.__name__] = kind
            pending += typing.get_type_hints(kind).values()
    return [found[name] for name in sorted(found)]


if __name__ == "__main__":
    import sys

    sys.stdout.write(page())
