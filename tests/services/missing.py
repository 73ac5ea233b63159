"""What happens to a test whose server is not on this machine."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import pytest


def missing(what: str, env: Mapping[str, str] = os.environ) -> NoReturn:
    """Skip the test, or fail it where SELFHEAL_REQUIRE_SERVICES=1 promises that all servers are there."""
    reason = f"{what} is not installed: make services"
    if env.get("SELFHEAL_REQUIRE_SERVICES") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def program(*names: str, env: Mapping[str, str] = os.environ) -> Path:
    """The first of these programs that is there: on PATH or in /usr/sbin, which a user's PATH may lack."""
    path = os.pathsep.join([env.get("PATH", ""), "/usr/sbin"])
    for name in names:
        if found := shutil.which(name, path=path):
            return Path(found)
    missing(names[0], env)
