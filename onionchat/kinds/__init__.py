"""What entries mean. Layer 5, no I/O.

Vocabulary: a *kind* names what an entry is; its *fold* turns it into *changes* of what is shown or known; a
*register* is a value that the last writer in the order of the screen decides. The one rule: meaning never rejects.
An entry whose kind or body cannot be used is stored and passed on, and changes nothing but, at most, a mark.
"""
