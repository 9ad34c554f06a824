"""onionchat: a messenger over Tor onion services, without a server, for the console."""

__version__ = "0.1.0"
