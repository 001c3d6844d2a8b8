"""Looks at the claim of somebody else until it is known whether that one lives."""

from __future__ import annotations

import gc
import math
import time
from typing import TYPE_CHECKING

from xarray_omezarr.store.claim_use import GUARD, USES, Spot

if TYPE_CHECKING:
    from xarray_omezarr.store.claim_ticket import Ticket

#: Seconds without any task after which a Delayed of this process is taken to be over.
IDLE = 2.0

# Seconds between looks.
_PAUSE = 0.1


class Watch:
    """What was seen of a claim since it was looked at first."""

    def __init__(self, spot: Spot) -> None:
        self._spot = spot
        self._seen: object = None
        self._patience_ends = math.inf

    def is_alive(self, other: Ticket) -> bool:
        """Whether to give up; else to try again."""
        if other.is_of_this_process:
            return self._is_alive_here(other)
        verdict = other.verdict()
        if verdict == "alive" and not other.is_delayed:
            return True
        if verdict == "dead":
            self._spot.evict(other)
        # The system frees the lock of the dead, as a rule at once.
        if self._rests(other, self._spot.patience):
            return False
        if not self._spot.is_dead_afterwards or self._seen != other:
            return True
        self._spot.evict(other)
        return False

    def _is_alive_here(self, other: Ticket) -> bool:
        with GUARD:
            use = USES.get(other.token)
        if use is None:
            self._spot.evict(other)
            return not self._rests(other, self._spot.patience)
        is_over = use.is_over()
        if is_over is None:
            # What nobody can reach any more, such as in a frame of an error, is over.
            count, use = use.count, None
            gc.collect()
            if self._rests((other, count), IDLE):
                return False
            if self._seen != (other, count):
                return True
            with GUARD:
                use = USES.get(other.token)
            return use is not None and not use.evict()
        return not is_over or not use.evict()

    def _rests(self, seen: object, patience: float) -> bool:
        """Wait a little; whether it may still turn out to be dead or alive."""
        now = time.monotonic()
        if self._seen is None:
            self._seen, self._patience_ends = seen, now + patience
        if seen != self._seen or now > self._patience_ends:
            return False
        time.sleep(_PAUSE)
        return True
