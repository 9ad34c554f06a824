"""The encrypted store: one SQLCipher database a profile. Layer 6.

Vocabulary: the *gate* is the one way in which entries get into logs; the *writer* is the one thread that writes;
a *job* is what it runs inside a transaction. The one rule: nothing is sent or acknowledged that is not committed.
"""
