"""What can go wrong with the embedded server; every message ends with what to do next.

EmbeddedServerError
└── NoTemporalError      no `temporal` program was found, fetched or built
"""


class EmbeddedServerError(RuntimeError):
    """The embedded Temporal server cannot be run as asked."""


class NoTemporalError(EmbeddedServerError):
    """There is no working `temporal` program, and no way to get one worked."""
