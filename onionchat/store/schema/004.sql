-- entries of kind `again`: the id that entry `n` has anew, and whether it brings a body
CREATE TABLE again (n INTEGER PRIMARY KEY, id BLOB NOT NULL, body INTEGER NOT NULL);
CREATE INDEX again_id ON again (id);
-- of logs of this device that were forked: entries of other branches that were taken back, and from which number on
-- the branch that is here is still to be written again
CREATE TABLE taken (id BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE mending (log INTEGER PRIMARY KEY, next INTEGER NOT NULL);
