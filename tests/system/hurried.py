"""An event loop on which time passes faster: five minutes of an activity's own waits are over in a second."""

import asyncio
import selectors
import time


class _Hurried(selectors.DefaultSelector):
    """Waits shorter, by the loop's factor."""

    def __init__(self, times: float) -> None:
        super().__init__()
        self._times = times

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As without hurry, for a time in the loop's own seconds."""
        return super().select(timeout and timeout / self._times)


class HurriedLoop(asyncio.SelectorEventLoop):
    """A real event loop whose clock runs so many times faster."""

    def __init__(self, times: float) -> None:
        super().__init__(_Hurried(times))
        self._times = times
        self._began = time.monotonic()

    def time(self) -> float:
        """Seconds on its own clock."""
        return self._began + (time.monotonic() - self._began) * self._times
