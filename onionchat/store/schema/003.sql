-- bodies that are wanted: without those that are gone for good (flag 4), of which *self* collects many
DROP INDEX entry_lacking;
CREATE INDEX entry_lacking ON entry (log, seq) WHERE content IS NULL AND flags & 4 = 0;
