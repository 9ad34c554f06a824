"""Logs, entries, and how two devices bring a conversation level. Layer 4, no I/O.

Vocabulary: a *log* is what one device wrote in one conversation; an *entry* is one signed item of it; a *head* is
how far we have a log; a *frontier* names all heads of a conversation; a *tombstone* is an entry without its body;
the *floor* is where our copy of a log begins. The one rule: a verdict depends on bytes, signature, chain,
certificate and roster alone; meaning never rejects.
"""
