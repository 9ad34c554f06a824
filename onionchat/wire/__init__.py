"""The channel between two devices: frames, records, handshake. Layer 3, no I/O.

Vocabulary: a *frame* is bytes on the stream; a *record* is what a frame carries; *initiator* and
*responder* are the two ends. The one rule: bytes of a stranger cost a bounded amount and say nothing of us.
"""
