"""Placeholder."""
import typer
app = typer.Typer()
@app.callback()
def nothing() -> None:
    """."""
