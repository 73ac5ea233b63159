"""``selfheal up``, ``worker`` and ``gateway``: the processes that run in the foreground."""

from worker.cli import options


def up(
    policies: options.Policies = None,
    runbooks: options.Runbooks = None,
    state_dir: options.StateDir = None,
    gateway_host: options.GatewayHost = None,
    gateway_port: options.GatewayPort = None,
    temporal_port: options.TemporalPort = None,
    ui_port: options.UiPort = None,
    log_level: options.LogLevel = None,
) -> None:
    """Run everything here: Temporal (embedded, unless TEMPORAL_ADDRESS names one), worker and gateway."""
    _serve(
        {"temporal", "worker", "gateway"},
        policies=policies,
        runbooks=runbooks,
        state_dir=state_dir,
        gateway_host=gateway_host,
        gateway_port=gateway_port,
        temporal_port=temporal_port,
        ui_port=ui_port,
        log_level=log_level,
    )


def worker(
    policies: options.Policies = None,
    runbooks: options.Runbooks = None,
    state_dir: options.StateDir = None,
    temporal_port: options.TemporalPort = None,
    log_level: options.LogLevel = None,
) -> None:
    """Run a worker: it makes the diagnoses and the changes."""
    _serve(
        {"worker"},
        policies=policies,
        runbooks=runbooks,
        state_dir=state_dir,
        temporal_port=temporal_port,
        log_level=log_level,
    )


def gateway(
    policies: options.Policies = None,
    runbooks: options.Runbooks = None,
    state_dir: options.StateDir = None,
    gateway_host: options.GatewayHost = None,
    gateway_port: options.GatewayPort = None,
    temporal_port: options.TemporalPort = None,
    log_level: options.LogLevel = None,
) -> None:
    """Run the gateway: it takes alerts."""
    _serve(
        {"gateway"},
        policies=policies,
        runbooks=runbooks,
        state_dir=state_dir,
        gateway_host=gateway_host,
        gateway_port=gateway_port,
        temporal_port=temporal_port,
        log_level=log_level,
    )


def _serve(parts: set[str], **given: object) -> None:
    from worker.cli.running import run  # noqa: PLC0415 - not needed for --help
    from worker.process import serve  # noqa: PLC0415

    run(serve(options.settings(**given), parts))
