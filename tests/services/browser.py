"""A browser, to look at pages as people do."""

from pathlib import Path

import pytest

from tests.services.missing import program


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The Chromium program: run it with `--headless --no-sandbox --disable-gpu --disable-background-networking`."""
    return program("chromium", "chromium-browser", "google-chrome")
