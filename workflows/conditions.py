"""The alerts that an execution is about: the one that started it and those that joined."""

from models.alert import Alert

_KEPT = 50


class Conditions:
    """Which episodes fire and which are over. Reports may come in any order, and before the execution begins."""

    def __init__(self) -> None:
        self._firing: dict[str, Alert] = {}
        self._resolved: set[str] = set()

    def begin(self, alert: Alert) -> list[Alert]:
        """Take the alert that started the execution; answers those that joined before it began."""
        joined = [other for other in self._firing.values() if other.episode != alert.episode]
        self._firing[alert.episode] = alert
        return joined

    def take(self, alert: Alert) -> list[Alert]:
        """Take one more report; answers it if it is about something new."""
        if alert.resolved:
            self._resolved.add(alert.episode)
        elif alert.episode not in self._firing and len(self._firing) < _KEPT:
            self._firing[alert.episode] = alert
            return [alert]
        return []

    @property
    def over(self) -> bool:
        """Whether every episode that fired has ended."""
        return bool(self._firing) and self._firing.keys() <= self._resolved
