"""What this device is: its keys, kept in the table `meta` and in memory while unlocked."""

from collections.abc import Callable
from dataclasses import dataclass, field

from onionchat.crypto.keys import ExchangeKey, SigningKey
from onionchat.errors import StoreError
from onionchat.identity.account import account_id, make_genesis
from onionchat.ids import AccountId, DeviceId
from onionchat.store.db import Connection


def get_meta(c: Connection, key: str) -> bytes | None:
    """A value of the table `meta`."""
    row = c.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else bytes(row[0])


def set_meta(c: Connection, key: str, value: bytes) -> None:
    """Write a value of the table `meta`."""
    c.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))


@dataclass
class Own:
    """The keys of this device. `statics`: private halves by the certificate serial they were used with."""

    identity: SigningKey = field(repr=False)
    account: AccountId
    statics: dict[int, ExchangeKey] = field(repr=False)

    @property
    def device(self) -> DeviceId:
        """The public identity key."""
        return DeviceId(self.identity.public)

    @property
    def serial(self) -> int:
        """The serial of the newest certificate."""
        return max(self.statics)

    @property
    def static(self) -> ExchangeKey:
        """The static key in use."""
        return self.statics[self.serial]


def create_own(c: Connection, random: Callable[[int], bytes], recovery_public: bytes | None) -> Own:
    """Make the keys and the genesis statement of a new account of one device."""
    identity = SigningKey(random(32))
    genesis = make_genesis(identity, random(32), recovery_public)
    account = account_id(genesis)
    set_meta(c, "identity", identity.seed)
    set_meta(c, "account", account)
    set_meta(c, "genesis", genesis)
    static = ExchangeKey(random(32))
    return Own(identity, account, {add_serial(c, static): static})


def add_serial(c: Connection, static: ExchangeKey) -> int:
    """Number the next certificate, which names this static key. `Own.statics` gets it after the commit."""
    keys = [key for (key,) in c.execute("SELECT key FROM meta WHERE key LIKE 'static:%'")]
    serial = max((int(key.partition(":")[2]) for key in keys), default=0) + 1
    set_meta(c, f"static:{serial}", static.private)
    return serial


def load_own(c: Connection) -> Own:
    """Read the keys back. StoreError when they are missing (an export holds none)."""
    identity, account = get_meta(c, "identity"), get_meta(c, "account")
    rows = c.execute("SELECT key, value FROM meta WHERE key LIKE 'static:%'").fetchall()
    if identity is None or account is None or not rows:
        raise StoreError("this database holds no keys of a device; make a profile with `onionchat init`")
    statics = {int(key.partition(":")[2]): ExchangeKey(bytes(value)) for key, value in rows}
    return Own(SigningKey(identity), AccountId(account), statics)
