"""The embedded Temporal server: what `selfheal` runs where nobody gave it a TEMPORAL_ADDRESS."""

from worker.embedded.binary import cache_dir, find_temporal, get_temporal
from worker.embedded.errors import EmbeddedServerError, NoTemporalError
from worker.embedded.namespace import register_search_attributes
from worker.embedded.progress import Display, Progress, Silent
from worker.embedded.server import EmbeddedTemporal

__all__ = [
    "Display",
    "EmbeddedServerError",
    "EmbeddedTemporal",
    "NoTemporalError",
    "Progress",
    "Silent",
    "cache_dir",
    "find_temporal",
    "get_temporal",
    "register_search_attributes",
]
