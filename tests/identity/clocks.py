"""Clocks that go when they are told to."""

from datetime import UTC, datetime, timedelta


class Clock:
    """A wall clock that begins at the real time, and a count of seconds that never goes back."""

    def __init__(self) -> None:
        self._wall = datetime.now(UTC)
        self._seconds = 1_000.0

    def now(self) -> datetime:
        return self._wall

    def monotonic(self) -> float:
        return self._seconds

    def advance(self, seconds: float) -> None:
        """Let time go by, on both."""
        self._seconds += seconds
        self._wall += timedelta(seconds=seconds)

    def pass_by(self, seconds: float) -> None:
        """Let keys grow older, but no tokens."""
        self._seconds += seconds

    def set_wall(self, seconds: float) -> None:
        """Move the wall clock alone, forth or back, as an administrator would."""
        self._wall += timedelta(seconds=seconds)

    def stand_at_a_whole_second(self) -> None:
        """Leave out the fraction, so that a test can look at one second exactly."""
        self._wall = self._wall.replace(microsecond=0)
