"""SIGTERM and SIGINT as requests, which a program meets when its work is whole."""

import signal
import time
from types import FrameType, TracebackType

from convnets.core.errors import Interrupted

SIGNALS = (signal.SIGTERM, signal.SIGINT)
ECHO_SECONDS = 0.5


class Interruption:
    """Within this context the first signal is a request; a later one ends the program at once.

    Some programs send each signal twice, to the process and to its group: what comes within
    `ECHO_SECONDS` of the first says nothing new.
    """

    def __init__(self) -> None:
        self.requested = ""
        """Name of the signal that came."""
        self._came = 0.0

    def __enter__(self) -> "Interruption":
        self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raise `Interrupted` when a signal came; to be called where nothing is half done."""
        if self.requested:
            raise Interrupted(self.requested)

    def _note(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if not self.requested:
            self.requested, self._came = signal.Signals(number).name, now
        elif now - self._came > ECHO_SECONDS:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
