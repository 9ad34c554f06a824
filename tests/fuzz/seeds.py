"""Good inputs made from the types themselves: one value of every record and of every body of an entry."""

import types
from collections.abc import Iterator
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec

from onionchat.codec import encode
from onionchat.kinds.fold import KINDS
from onionchat.wire.frame import encode_frame
from onionchat.wire.records import AnyRecord


def example(kind: Any) -> Any:
    """A small value of a type as our records use them: with one element in every list, and as short as allowed."""
    origin, arguments = get_origin(kind), get_args(kind)
    if hasattr(kind, "__metadata__"):
        value = example(kind.__origin__)
        meta = next((each for each in kind.__metadata__ if isinstance(each, msgspec.Meta)), msgspec.Meta())
        if isinstance(value, bytes | str) and meta.min_length:
            return (value * meta.min_length)[: meta.min_length]
        return value
    if origin in (Union, types.UnionType):
        return example(arguments[0])
    if origin is tuple:
        return tuple(example(each) for each in arguments if each is not ...)
    if origin is not None:  # a Literal
        return arguments[0]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = get_type_hints(kind, include_extras=True)
        return kind(**{name: example(hints[name]) for name in kind.__struct_fields__})
    return {bytes: b"x", str: "x", int: 7, bool: True}[kind]


def frames() -> Iterator[bytes]:
    """A frame of every record."""
    for record in get_args(AnyRecord):
        yield b"".join(encode_frame([example(record)]))


def bodies() -> Iterator[bytes]:
    """A body of every kind of entry."""
    for body, _ in KINDS.values():
        yield encode(example(body))
