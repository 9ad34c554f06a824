"""Who is who: devices' certificates, accounts' rosters, contacts' trust and names, links. Layer 2.

Vocabulary: a *device* is one profile on one machine, named by its identity key; an *account* is one person, the
devices that acknowledge each other; a *statement* is signed and changes an account's set of devices; the *roster*
is what all known statements come to (the *fold*); a *certificate* says how to reach a device and which static key
is its own; a *link* is the address of an invitation.

The one rule: every answer depends only on the set of bytes that are known, never on the order in which they came,
on a clock, or on who brought them.
"""
