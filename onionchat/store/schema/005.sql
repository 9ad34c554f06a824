-- How far a device has a log, by the log's id: other devices of ours tell of logs that are not here yet. What is told to
-- them has a `version`, which grows with every change (0: not told); `heard` is how far we have what each of them tells.
ALTER TABLE ack RENAME TO old_ack;
CREATE TABLE ack (log BLOB NOT NULL, device BLOB NOT NULL, seq INTEGER NOT NULL, version INTEGER NOT NULL, PRIMARY KEY (log, device)) WITHOUT ROWID;
INSERT INTO ack SELECT log.id, old_ack.device, old_ack.seq, row_number() OVER ()
    FROM old_ack JOIN log ON log.n = old_ack.log;
DROP TABLE old_ack;
CREATE INDEX ack_version ON ack (version) WHERE version > 0;
CREATE TABLE heard (device BLOB PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID;

-- since when a device of a contact, or of ours, is known here (ms; 0: always)
ALTER TABLE announced ADD COLUMN since INTEGER NOT NULL DEFAULT 0;

-- deletions that not all of our devices are known to have: where they stand in *self*
CREATE TABLE forgetting (log BLOB NOT NULL, seq INTEGER NOT NULL, ms INTEGER NOT NULL, PRIMARY KEY (log, seq)) WITHOUT ROWID;
