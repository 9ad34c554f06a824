-- which entry of *self* forgot which bodies, so that it can be taken back; and by which entries that was done
CREATE TABLE forgot (entry INTEGER NOT NULL, log BLOB NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (entry, log, first)) WITHOUT ROWID;
CREATE INDEX forgot_log ON forgot (log);
CREATE TABLE restored (id BLOB NOT NULL, entry INTEGER NOT NULL, PRIMARY KEY (id, entry)) WITHOUT ROWID;

-- removed devices of ours and stolen ones of contacts that held a key of our address, since when we are not there any more
CREATE TABLE evaded (device BLOB PRIMARY KEY, account BLOB NOT NULL, since INTEGER NOT NULL) WITHOUT ROWID;
