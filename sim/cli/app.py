"""The ``shoal`` command: joins the groups of commands and turns deliberate errors into text and an exit code."""

import logging
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from sim import __version__, stopping
from sim.cli import (
    amplify,
    assets,
    attribute,
    calc,
    check,
    compare,
    doctor,
    evidence,
    export,
    fork,
    impulse,
    ingest,
    match,
    move,
    query,
    reverse,
    risk,
    run,
    scenarios,
    sensitivity,
    sweep,
    weeks,
)
from sim.errors import ScenarioError, ShoalError


class ShoalGroup(TyperGroup):
    """A group of commands that ends in one clear sentence on stderr where the user or a file is at fault."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; a ShoalError becomes its text and exit code, Ctrl-C becomes exit code 130."""
        try:
            return super().invoke(ctx)
        except ShoalError as error:
            logging.getLogger("sim").debug("command ended by an error", exc_info=True)
            typer.echo(str(error) if isinstance(error, ScenarioError) else f"Error: {error}", err=True)
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            typer.echo("Interrupted: what was not finished is not kept.", err=True)
            raise typer.Exit(stopping.INTERRUPTED) from None


app = typer.Typer(
    name="shoal",
    cls=ShoalGroup,
    help="Shoal: an agent-based simulator of stress in crypto markets. Start with: shoal list, then shoal run NAME.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    rich_markup_mode=None,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"shoal {__version__}")
        raise typer.Exit


@app.callback()
def _shoal(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", is_eager=True, callback=_print_version)
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what is done, on stderr.")] = False,
) -> None:
    if verbose:
        logging.basicConfig(level=logging.DEBUG, format="%(asctime)s %(name)s: %(message)s")


for _group in (
    run, fork, compare, check, amplify, attribute, impulse, risk, export, sensitivity, reverse,
    sweep, query, evidence, ingest, scenarios, move, match, weeks, assets, calc, doctor,
):  # fmt: skip
    _group.register(app)


def main() -> None:
    """Entry point of the ``shoal`` script and of ``python -m sim``."""
    stopping.leave_when_told()
    app(prog_name="shoal")
