"""What tests, `onionchat demo` and measurements stand on; it ships with the package.

Words: a *network* is a private Tor network on loopback, made of *relays* (its own) and *clients* (tors that peers
use); a *base* is the folder below which it lives. The one rule: everything in here is the real thing, made small and
repeatable, and it leaves nothing behind.
"""
