"""The monitoring systems that may send alerts, one module each."""

from gateway.sources import alertmanager, generic
from gateway.sources.payload import Source

SOURCES: tuple[Source, ...] = (alertmanager.SOURCE, generic.SOURCE)
"""A new one is registered here; its door is ``/alerts/{name}``."""
