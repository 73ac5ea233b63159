"""The commands."""

import typer

from worker.cli import alert, decisions, demo, executions, policies, runbooks, serve

app = typer.Typer(
    name="selfheal",
    help="Heals infrastructure: an alert starts a durable runbook that diagnoses, remediates, verifies, "
    "and undoes what did not help.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("up")(serve.up)
app.command("demo")(demo.demo)
app.command("worker")(serve.worker)
app.command("gateway")(serve.gateway)
app.add_typer(executions.app, name="executions")
app.command("approve")(decisions.approve)
app.command("reject")(decisions.reject)
app.add_typer(runbooks.app, name="runbooks")
app.add_typer(policies.app, name="policies")
app.add_typer(alert.app, name="alert")
