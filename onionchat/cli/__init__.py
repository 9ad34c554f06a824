"""The command line. Layer 9.

Vocabulary: a *command* is a row of the table in `table.py`; a *session* answers the methods of the local API, at
a running node or by opening the store itself; a *note* goes to stderr, what was asked for to stdout. The one
rule: nothing but main.py ends the process, and every error is one line there.
"""
