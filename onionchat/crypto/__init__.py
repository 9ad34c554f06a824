"""Names and types over well-kept libraries: keys, boxes, TLS, Noise, words, vault. Layer 1.

Vocabulary: a *seed* is the 32 secret bytes of a key; *label* is the domain that every signed or hashed
byte string starts with. The one rule: no primitive and no construction of our own in here.
"""
