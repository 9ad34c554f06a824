"""Whole worlds of real nodes in one process, on virtual time, from a seed.

What is real: the node with all its cores, TLS and Noise, the gate and the database (SQLCipher in memory), the API.
What is simulated: time, Tor, the network between Tors, machines that fail, and the people.

`testing/simulator.py` is older and smaller: it runs the rules of logs and sync (layers 4 and below) over a store of
its own, a hundred times faster, and restores old disks. Both are run by `make sim`.
"""
