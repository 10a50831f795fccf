"""SIGTERM and SIGINT as requests, which a program fulfils between two steps of its work."""

import signal
import time
from types import FrameType

from convnets.core.errors import Interrupted

SIGNALS = (signal.SIGTERM, signal.SIGINT)
ECHO_SECONDS = 0.5


class Interruption:
    """Within this context the first signal is a request; a later one ends the program at once.

    Some programs send each signal twice, to the process and to its group, so a signal within
    `ECHO_SECONDS` of the first is ignored.
    """

    def __init__(self) -> None:
        self.requested = ""
        """Name of the first signal, empty before."""
        self._time = 0.0

    def __enter__(self) -> "Interruption":
        self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raise `Interrupted` after a signal; to be called where the work is consistent."""
        if self.requested:
            raise Interrupted(self.requested)

    def _note(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if not self.requested:
            self.requested, self._time = signal.Signals(number).name, now
        elif now - self._time > ECHO_SECONDS:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
