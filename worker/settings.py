"""Settings: options of the command line, else environment variables ``SELFHEAL_…``, else defaults."""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


def _state_dir() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "selfheal"


class Settings(BaseSettings):
    """What a process needs to know to start. Each field ``x_y`` is also the variable ``SELFHEAL_X_Y``.

    Attributes:
        policies: the policy file.
        runbooks: own runbooks, each a file or a folder, beside those that come with the project.
        state_dir: where the embedded server keeps its database, and the gateway its tokens.
        tokens: bearer token by source, as JSON in the variable; for the others one is made in the state folder.
        sqlite_synchronous: NORMAL survives a killed process; FULL a power cut too, at half the throughput.
        max_cached_workflows: executions kept in a worker's memory; the others are replayed when they go on.
        activity_threads: how many activities run at once; a watch takes one all the time.
        drain: seconds that running activities get to end when the worker stops.
    """

    model_config = SettingsConfigDict(env_prefix="SELFHEAL_", extra="ignore")

    policies: Path | None = None
    runbooks: list[Path] = Field(default_factory=list)
    state_dir: Path = Field(default_factory=_state_dir)
    tokens: dict[str, str] = Field(default_factory=dict, repr=False)
    gateway_host: str = "127.0.0.1"
    gateway_port: int = Field(default=8080, ge=0, le=65535)
    temporal_port: int = Field(default=7233, ge=1, le=65535)
    ui_port: int = Field(default=8233, ge=1, le=65535)
    sqlite_synchronous: Literal["NORMAL", "FULL"] = "NORMAL"
    task_queue: str = "selfheal"
    max_cached_workflows: int = Field(default=1000, ge=0)
    activity_threads: int = Field(default=200, ge=1)
    drain: float = Field(default=20.0, ge=0)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
