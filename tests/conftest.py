"""The real servers of `tests/services`, as fixtures for every test."""

pytest_plugins = [
    "tests.services.browser",
    "tests.services.monitoring",
    "tests.services.ssh",
    "tests.services.temporal",
]
