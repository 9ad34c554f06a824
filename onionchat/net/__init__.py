"""Tor and sockets: the ring of I/O that leads out of the machine. Layer 6.

Vocabulary: the *control port* is where Tor takes orders; a *place* says where a Tor is and what it lets us
do; the *filter* (onion-grater) stands before the control port on Tails and Whonix; an *onion* is a service
of ours; a *probe* is a connection to an onion of our own; a *dial* is a connection to somebody else's; a
*discovery key* lets a client open a descriptor. Addresses are 56 characters, without `.onion`.
The one rule: nothing is ever connected to but Tor's control port and Tor's SOCKS port, and both are on this
machine (or on a Whonix Gateway); no name is ever resolved.
"""
