"""How an activity on Temporal's thread pool shows that it lives, and learns that it is to stop."""

from collections.abc import Iterator
from contextlib import contextmanager

from temporalio import activity
from temporalio.exceptions import CancelledError

from activities.hosts.shell import Beat
from models.errors import TryAgainError


@contextmanager
def attended() -> Iterator[Beat]:
    """A beat for the activity that runs in this thread: it heartbeats, and raises once the activity is to stop.

    Temporal throws its cancellation into a sync activity's thread between any two instructions, be it in the middle
    of the bookkeeping of a connection. It is held back here, and raised by the beat, which is called only where
    stopping leaves nothing half done.

    The beat raises:
        CancelledError: somebody cancelled it.
        TryAgainError: this try is over, not the step: the worker stops, or Temporal has given the try up.
    """
    with activity.shield_thread_cancel_exception():
        yield _beat


def _beat() -> None:
    activity.heartbeat()
    if not activity.is_cancelled():
        return
    details = activity.cancellation_details()
    if details is not None and details.cancel_requested:
        raise CancelledError("cancelled")
    raise TryAgainError("this try is over, as the worker stops or took too long: the next one goes on where it was")
