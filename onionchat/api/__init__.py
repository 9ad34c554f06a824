"""The local API: one typed table of methods and events over a Unix socket. Layer 8.

Vocabulary: a *method* is called and answers once; an *event* is sent to subscribers. The one rule: every
front end, ours or another's, uses this table and nothing else.
"""
