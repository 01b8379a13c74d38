"""``shoal match``: replay an order-flow file through the matching engine."""

from __future__ import annotations

import csv
import io
import json
import os
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer

from sim.stopping import raising

if TYPE_CHECKING:
    from sim.orderflow import Replay

SELF_TRADE_MODES = ("off", "cancel_maker", "cancel_taker", "decrement")


def register(app: typer.Typer) -> None:
    """Add the command ``match`` to an app."""
    app.command("match")(match)


def match(
    orders: Annotated[Path, typer.Argument(help="Order flow: .csv, .csv.xz, .csv.gz or .parquet.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for reports.csv, book.csv and summary.json. [default: <name>_match]")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write the report stream to this file instead.")] = None,
    self_trade: Annotated[
        str, typer.Option(help="Self-trade prevention: off, cancel_maker, cancel_taker or decrement.")
    ] = "off",
    window_ticks: Annotated[
        int, typer.Option(help="Price levels kept in the fast window of each side; a power of two.")
    ] = 65536,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Replay an order-flow file: report stream, final book, summary."""
    from sim.errors import DataError

    folder = out if out is not None else Path(orders.name.split(".")[0] + "_match")
    try:
        summary = run_match(orders, folder, report, self_trade, window_ticks)
    except OSError as error:
        raise DataError(f"{error.filename or folder}: cannot be written ({error.strerror}); nothing was kept") from None
    typer.echo(json.dumps(summary, indent=2) if as_json else _table(summary, folder))


@raising()
def run_match(orders: Path, folder: Path, report: Path | None, self_trade: str, window_ticks: int) -> dict[str, Any]:
    """Read, replay and write; returns the summary.

    Raises
    ------
    ShoalError
        When the file or an option cannot be used.
    """
    from sim.errors import DataError
    from sim.orderflow import read_orders, replay

    if report is not None and (report == Path("-") or not report.name or report.exists() and not report.is_file()):
        raise DataError(f"--report {report}: give the name of a file")
    targets = (report or folder / "reports.csv", folder / "book.csv", folder / "summary.json")
    if len({target.resolve() for target in (orders, *targets)}) != 1 + len(targets):
        raise DataError(f"{orders}: the file of orders and the files written would overwrite each other; choose others")
    columns = read_orders(orders)
    engine = _engine(columns, self_trade, window_ticks)
    replay({name: values[:1] for name, values in columns.items()}, self_trade="off")  # compiles outside the clock
    with Staging(folder) as staged:
        with staged.open(targets[0]) as stream:
            started = time.perf_counter()
            result = replay(columns, engine, sink=stream.write)
            seconds = time.perf_counter() - started
        summary = _summary(orders, result, seconds, self_trade)
        with staged.open(targets[1]) as stream:
            stream.write(_book_csv(result.engine, int(columns["book"].max(initial=0)) + 1))
        with staged.open(targets[2]) as stream:
            stream.write((json.dumps(summary, indent=2) + "\n").encode())
    return summary


def _engine(columns: dict[str, Any], self_trade: str, window_ticks: int) -> Any:
    from sim.engine import MatchingEngine
    from sim.errors import DataError

    if self_trade not in SELF_TRADE_MODES:
        raise DataError(f"--self-trade {self_trade}: use one of {', '.join(SELF_TRADE_MODES)}")
    if self_trade != "off" and not columns["owner"].any():
        raise DataError(f"--self-trade {self_trade} needs a column 'owner' in the order flow; without it use off")
    n_books, n_owners = (int(columns[name].max(initial=0)) + 1 for name in ("book", "owner"))
    return MatchingEngine(n_books, self_trade=self_trade, window_ticks=window_ticks, n_owners=n_owners)


def _summary(orders: Path, result: Replay, seconds: float, self_trade: str) -> dict[str, Any]:
    return {
        "orders": orders.name,
        "self_trade": self_trade,
        "messages": result.messages,
        "trades": result.trades,
        "volume_lots": result.volume_lots,
        "rejects": result.rejects,
        "report_lines": result.report_lines,
        "sha256": result.sha256,
        "seconds": round(seconds, 4),
        "messages_per_second": round(result.messages / seconds) if result.messages else 0,
    }


def _book_csv(engine: Any, n_books: int) -> bytes:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("book", "side", "price", "lots", "n_orders"))
    for book in range(n_books):
        for side, levels in zip(("buy", "sell"), engine.depth(book), strict=True):
            rows.writerows((book, side, *level) for level in levels)
    return text.getvalue().encode()


def _table(summary: dict[str, Any], folder: Path) -> str:
    rows = {
        "messages": f"{summary['messages']:,}",
        "trades": f"{summary['trades']:,}",
        "volume (lots)": f"{summary['volume_lots']:,}",
        "rejected": f"{summary['rejects']:,}",
        "report lines": f"{summary['report_lines']:,}",
        "sha256": summary["sha256"],
        "seconds": f"{summary['seconds']:.3f} (matching, reports and writing)",
        "messages a second": f"{summary['messages_per_second']:,}",
        "written to": str(folder),
    }
    return "\n".join(f"{name:<18} {value}" for name, value in rows.items())


class Staging:
    """Writes files under temporary names and gives them their own all together, or leaves nothing behind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.parts: list[tuple[Path, Path]] = []
        self.made: list[Path] = []

    def __enter__(self) -> Self:
        missing = [path for path in (self.folder, *self.folder.parents) if not path.exists()]
        self.folder.mkdir(parents=True, exist_ok=True)
        self.made = missing
        return self

    def open(self, target: Path) -> io.BufferedWriter:
        """A binary file that will be ``target`` when all went well."""
        part = target.with_name(f".{target.name}.{os.getpid()}.part")
        self.parts.append((part, target))
        try:
            return part.open("wb")
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(target)) from None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                for part, target in self.parts:
                    os.replace(part, target)
        finally:
            for part, _ in self.parts:
                part.unlink(missing_ok=True)
            if kind is not None:
                for path in self.made:
                    path.rmdir()
