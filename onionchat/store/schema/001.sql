-- Numbers called `n` are local to this database and never leave it.
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

-- who: accounts (ours too), their statements, their devices
CREATE TABLE statement (account BLOB NOT NULL, id BLOB NOT NULL, raw BLOB NOT NULL, PRIMARY KEY (account, id)) WITHOUT ROWID;
CREATE TABLE device (
    id BLOB PRIMARY KEY, account BLOB NOT NULL,
    certificate BLOB NOT NULL, serial INTEGER NOT NULL, discovery BLOB NOT NULL,
    last_seen INTEGER
) WITHOUT ROWID;
CREATE INDEX device_account ON device (account);
-- older certificates: log boxes name the serial of the static key that made them
CREATE TABLE old_static (device BLOB NOT NULL, serial INTEGER NOT NULL, static BLOB NOT NULL, PRIMARY KEY (device, serial)) WITHOUT ROWID;

-- how this device is found: its addresses and the discovery keys each is published with
CREATE TABLE address (key BLOB PRIMARY KEY, seed BLOB NOT NULL, serial INTEGER NOT NULL, state TEXT NOT NULL, since INTEGER NOT NULL, urgent INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE slot (address BLOB NOT NULL, slot INTEGER NOT NULL, private BLOB NOT NULL, owner BLOB, PRIMARY KEY (address, slot)) WITHOUT ROWID;
CREATE INDEX slot_owner ON slot (address, owner);
CREATE TABLE told (address BLOB NOT NULL, device BLOB NOT NULL, PRIMARY KEY (address, device)) WITHOUT ROWID;

-- conversations, logs, entries
CREATE TABLE conversation (
    n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, place TEXT NOT NULL, account BLOB NOT NULL,
    ms INTEGER NOT NULL DEFAULT 0, counter INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE log (
    n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, conversation INTEGER NOT NULL REFERENCES conversation,
    device BLOB NOT NULL, seed BLOB, retired INTEGER NOT NULL DEFAULT 0,
    certificate BLOB NOT NULL, belief INTEGER NOT NULL,
    seq INTEGER NOT NULL DEFAULT 0, head BLOB NOT NULL, ms INTEGER NOT NULL DEFAULT 0, counter INTEGER NOT NULL DEFAULT 0,
    floor_seq INTEGER NOT NULL DEFAULT 0, floor_id BLOB NOT NULL,
    frozen INTEGER NOT NULL DEFAULT 0, cut_seq INTEGER, cut_id BLOB,
    covered INTEGER NOT NULL DEFAULT 0, read_seq INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX log_conversation ON log (conversation);
CREATE TABLE log_box (log INTEGER NOT NULL, device BLOB NOT NULL, from_serial INTEGER NOT NULL, to_serial INTEGER NOT NULL, box BLOB NOT NULL,
    PRIMARY KEY (log, device, from_serial, to_serial)) WITHOUT ROWID;
CREATE TABLE branch (log INTEGER NOT NULL, id BLOB NOT NULL, raw BLOB NOT NULL, PRIMARY KEY (log, id)) WITHOUT ROWID;

-- `key`: the first 63 bits of the entry's id; `tie`: those of its log's, which order the screen; `author`: 1 mine
CREATE TABLE entry (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    log INTEGER NOT NULL, seq INTEGER NOT NULL, key INTEGER NOT NULL,
    conversation INTEGER NOT NULL, ms INTEGER NOT NULL, counter INTEGER NOT NULL, tie INTEGER NOT NULL,
    shown INTEGER NOT NULL, mine INTEGER NOT NULL, arrived INTEGER NOT NULL, flags INTEGER NOT NULL,
    expires INTEGER, header BLOB NOT NULL, signature BLOB NOT NULL, content BLOB
);
CREATE UNIQUE INDEX entry_log ON entry (log, seq);
CREATE INDEX entry_key ON entry (key);
CREATE INDEX entry_screen ON entry (conversation, ms, counter, tie, seq) WHERE shown > 0;
CREATE INDEX entry_expires ON entry (expires) WHERE expires IS NOT NULL;
CREATE INDEX entry_lacking ON entry (log, seq) WHERE content IS NULL;
CREATE TABLE forgotten (log BLOB NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (log, first)) WITHOUT ROWID;
CREATE TABLE mark (
    target BLOB NOT NULL, mark INTEGER NOT NULL, account BLOB NOT NULL,
    ms INTEGER NOT NULL, counter INTEGER NOT NULL, log BLOB NOT NULL, seq INTEGER NOT NULL,
    entry INTEGER NOT NULL, value TEXT NOT NULL, PRIMARY KEY (target, mark, account)
) WITHOUT ROWID;
CREATE TABLE register (
    kind TEXT NOT NULL, key BLOB NOT NULL, ms INTEGER NOT NULL, counter INTEGER NOT NULL, log BLOB NOT NULL, seq INTEGER NOT NULL,
    entry INTEGER NOT NULL, value BLOB NOT NULL, PRIMARY KEY (kind, key)
) WITHOUT ROWID;
-- how far a device has a log, from its acknowledgements
CREATE TABLE ack (log INTEGER NOT NULL, device BLOB NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (log, device)) WITHOUT ROWID;
-- read marks of logs that are not here yet
CREATE TABLE read_mark (log BLOB PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;

CREATE VIRTUAL TABLE words USING fts5 (text, content='', tokenize='unicode61 remove_diacritics 2');
INSERT INTO words (words, rank) VALUES ('secure-delete', 1);
