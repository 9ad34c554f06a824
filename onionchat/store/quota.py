"""What a contact has written into our store: in a day and in all."""

from onionchat.store.db import Connection
from onionchat.store.own import get_meta, set_meta

DAY_MS = 86_400_000
ENTRY_COST_BYTES = 300
"""What an entry costs beside its content: header, signature, indexes."""


def note(c: Connection, conversation: int, size_bytes: int, now_ms: int) -> None:
    """Count what was just stored."""
    c.execute("UPDATE conversation SET bytes = bytes + ? WHERE n = ?", (size_bytes, conversation))
    used = used_today(c, conversation, now_ms) + size_bytes
    set_meta(c, _key(conversation), (now_ms // DAY_MS).to_bytes(8, "big") + used.to_bytes(8, "big"))


def used_today(c: Connection, conversation: int, now_ms: int) -> int:
    """Bytes since midnight (UTC)."""
    value = get_meta(c, _key(conversation))
    if value is None or int.from_bytes(value[:8], "big") != now_ms // DAY_MS:
        return 0
    return int.from_bytes(value[8:], "big")


def used_in_all(c: Connection, conversation: int) -> int:
    """Bytes since the conversation began."""
    return int(c.execute("SELECT bytes FROM conversation WHERE n = ?", (conversation,)).fetchone()[0])


def _key(conversation: int) -> str:
    return f"day:{conversation}"
