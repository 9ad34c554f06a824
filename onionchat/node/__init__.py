"""The node: store, Tor, channels and sessions put together. Layer 7.

Vocabulary: the *book* is what is known of people, in memory; a *link* is a live channel; an *event* tells the front
ends what happened. The one rule: composition. What can be decided without I/O is decided in the layers below.
"""
