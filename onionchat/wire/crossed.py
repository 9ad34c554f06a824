"""Two channels of one pair of devices: which one stays. Both ends come to the same answer without talking. Pure."""

from onionchat import limits
from onionchat.ids import DeviceId


def keep_new(own: DeviceId, peer: DeviceId, new_is_outgoing: bool, old_is_outgoing: bool, seconds_apart: float) -> bool:
    """Whether the newer channel stays and the older one goes.

    Crossed dials (one each way, at most 60 s apart): the channel dialled by the lower DeviceId stays. Otherwise the
    newer one: whoever dialled again has found the old one dead.
    """
    crossed = new_is_outgoing != old_is_outgoing and seconds_apart <= limits.CROSSED_DIAL_SECONDS
    if not crossed:
        return True
    dialler_of_new = own if new_is_outgoing else peer
    return dialler_of_new == min(own, peer)
