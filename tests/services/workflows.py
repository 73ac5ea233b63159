"""The smallest workflow that shows whether a server keeps its promises."""

from datetime import timedelta

from temporalio import workflow


@workflow.defn
class Wait:
    """Waits for a time, or until it is told to go on."""

    def __init__(self) -> None:
        self._released = False

    @workflow.run
    async def run(self, seconds: float) -> str:
        """Wait for so many seconds at most; tells how it ended."""
        try:
            await workflow.wait_condition(lambda: self._released, timeout=timedelta(seconds=seconds))
        except TimeoutError:
            return "time passed"
        return "released"

    @workflow.signal
    def release(self) -> None:
        """Go on."""
        self._released = True
