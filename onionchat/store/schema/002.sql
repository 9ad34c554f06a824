-- what the user was told of the devices of contacts, and of our own: so that each is said once, also after a crash
CREATE TABLE announced (account BLOB NOT NULL, device BLOB NOT NULL, state TEXT NOT NULL, PRIMARY KEY (account, device)) WITHOUT ROWID;
