"""``shoal amplify``: how much of a fall thin depth and leverage make, with intervals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.run import SET_OPTION
from sim.cli.sweep import DASK, TRUST, lanes_of, processes, shown
from sim.errors import ScenarioError

if TYPE_CHECKING:
    import pandas as pd

    from sim.experiments.amplify import Answer

_NEWS = typer.Option("--news", metavar="-5%,-7%,...", help="Lowest points of the news. Default: looked for.")
_SALE = typer.Option("--sale", metavar="$50m,$150m,...", help="Sell these instead: a flow shock.")
_DEPTHS = typer.Option("--depths", metavar="1.5,1,...", help="Multiples of depth. Default: eight from 1.5 to 0.2.")
_LAYERS = typer.Option("--layers", metavar="all,visible,...", help="What is scaled (docs/amplification.md).")
_HALF = typer.Option("--half-width", metavar="0.1%", help="Add seeds until the critical shock is as narrow; 0: none.")
_MOST = typer.Option("--most-seeds", metavar="N", help="Most seeds near the threshold of a depth.")
_KNOWN = typer.Option("--known", metavar="FILE", help="outcomes.csv.gz of an earlier answer: not run again.")
_RECHECK = typer.Option("--recheck", metavar="N", min=0, help="How many known outcomes are run again to check them.")


def register(app: typer.Typer) -> None:
    """Add ``amplify`` to the command line."""
    app.command("amplify")(amplify)


def amplify(
    scenario: Annotated[str, typer.Argument(help="Name of a shipped scenario, or path of a YAML file.")],
    changes: Annotated[list[str] | None, SET_OPTION] = None,
    news: Annotated[str | None, _NEWS] = None,
    sale: Annotated[str | None, _SALE] = None,
    depths: Annotated[str | None, _DEPTHS] = None,
    layers: Annotated[str, _LAYERS] = "all",
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", help="Seeds of every setting: 1 to N.")] = 64,
    half_width: Annotated[str, _HALF] = "0.1%",
    most_seeds: Annotated[int, _MOST] = 256,
    horizon: Annotated[str, typer.Option("--horizon", help="How long a run goes on after the shock began.")] = "2h",
    at: Annotated[str, typer.Option("--at", help="Start of a shock that is added to the scenario.")] = "10min",
    over: Annotated[str, typer.Option("--over", help="Duration of a shock that is added.")] = "60s",
    side: Annotated[str, typer.Option("--side", help="sell or buy, of --sale.")] = "sell",
    book: Annotated[str, typer.Option("--book", help="perp or spot, of --sale.")] = "perp",
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to make the result folder in.")] = Path(
        "results"
    ),
    known: Annotated[Path | None, _KNOWN] = None,
    recheck: Annotated[int, _RECHECK] = 16,
    workers: Annotated[int | None, typer.Option("--workers", metavar="N", min=1, help="Processes.")] = None,
    dask: Annotated[str | None, DASK] = None,
    trust_network: Annotated[bool, TRUST] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the tables as JSON.")] = False,
) -> None:
    """Ask how a fall grows as depth thins, and from which shock on half of the seeds cascade."""
    from sim.experiments import amplify as asking
    from sim.experiments.depth_grid import DEPTHS, Question
    from sim.runner import warm

    if news is not None and sale is not None:
        raise ScenarioError("--news and --sale exclude each other: ask twice")
    question = Question(
        scenario,
        tuple(changes or ()),
        "flow" if sale is not None else "news",
        values(news, "--news", "fraction") if news else values(sale, "--sale", "money") if sale else (),
        values(depths, "--depths", "number") if depths else DEPTHS,
        tuple(part.strip() for part in layers.split(",")),
        seeds,
        values(half_width, "--half-width", "fraction")[0],
        most_seeds,
        values(horizon, "--horizon", "duration")[0],
        values(at, "--at", "duration")[0],
        values(over, "--over", "duration")[0],
        side,
        book,
    )
    warm()  # once, here: workers find compiled kernels
    with shown("amplify") as progress:
        answer = asking.amplify(
            question,
            out,
            lambda line: typer.echo(line, err=True),
            known=known,
            recheck=recheck,
            workers=processes(workers),
            progress=progress,
            lanes=lanes_of(dask, trust_network),
        )
    place = _write(answer)
    typer.echo(json.dumps(_plain(answer, place), indent=1) if as_json else _text(answer, place))
    if answer.tally.failed:
        raise typer.Exit(1)


def values(text: str, option: str, kind: str) -> tuple[float, ...]:
    """Quantities of an option, as a scenario file writes them."""
    from pydantic import TypeAdapter, ValidationError

    from sim.settings import quantities

    types: dict[str, Any] = {
        "fraction": quantities.Fraction,
        "money": quantities.Money,
        "number": quantities.Number,
        "duration": quantities.Duration,
    }
    adapter: TypeAdapter[float] = TypeAdapter(types[kind])
    out = []
    for part in text.split(","):
        word = part.strip()
        try:
            plain = float(word) if kind in ("number", "fraction") and word.replace(".", "", 1).isdigit() else word
            out.append(float(adapter.validate_python(plain)))
        except ValidationError as error:
            raise ScenarioError(f"{option} {word[:40]!r}: {error.errors()[0]['msg']}") from error
    return tuple(out)


def _write(answer: Answer) -> Path:
    """Tables, figures and page into the sweep's folder; the same answer gives the same bytes."""
    from sim.experiments.amplify_tables import CRITICAL, SETTINGS, critical_frame, settings_frame
    from sim.experiments.depth_grid import ANSWER
    from sim.experiments.fuel_floor import COLUMNS
    from sim.experiments.outcomes import SAID
    from sim.experiments.store import write_whole
    from sim.report import style
    from sim.report.amplification import figures
    from sim.report.amplification_page import page
    from sim.results.storage import csv_bytes, parquet_bytes

    place = answer.folder / ANSWER
    place.mkdir(exist_ok=True)
    run_id = answer.folder.name.rpartition("-")[2]
    fuel = answer.fuel
    tables = {"settings": (settings_frame(answer), SETTINGS), "fuel": (fuel, COLUMNS)}
    if answer.critical:
        tables["critical"] = (critical_frame(answer), CRITICAL)
    for name, (frame, said) in tables.items():
        write_whole(place / f"{name}.csv", csv_bytes(frame))
        write_whole(place / f"{name}.parquet", parquet_bytes(frame, run_id, said))
    units = {name: said for name, (_, said) in tables.items()} | {"outcomes": SAID}
    write_whole(place / "units.csv", csv_bytes(_units(units)))
    images = {name: style.svg_bytes(f, f"{run_id}-{name}") for name, f in figures(answer, fuel).items()}
    for name, data in images.items():
        write_whole(place / f"{name}.svg", data)
    write_whole(place / "amplification.html", page(answer, images))
    return place


def _units(said: dict[str, dict[str, tuple[str, str]]]) -> pd.DataFrame:
    import pandas as pd

    rows = [(table, name, *told) for table, columns in said.items() for name, told in columns.items()]
    return pd.DataFrame(rows, columns=["table", "column", "unit", "meaning"])


def _plain(answer: Answer, place: Path) -> dict[str, Any]:
    from sim.experiments.amplify_tables import critical_frame, settings_frame
    from sim.results.storage import plain

    slopes = {layer: slope._asdict() for layer, slope in answer.elasticity.items()}
    tables = {"settings": settings_frame(answer).to_dict("records")}
    if answer.critical:
        tables["critical"] = critical_frame(answer).to_dict("records")
    taken = {"known": answer.taken._asdict()} if answer.taken else {}
    told: dict[str, Any] = plain({"folder": str(place), **taken, "elasticity": slopes, **tables})
    return told


def _text(answer: Answer, place: Path) -> str:
    from sim.experiments.amplify_tables import CRITICAL, SETTINGS, critical_frame, settings_frame
    from sim.report.amplification_page import sentences, table_rows

    short = ("layer", "depth", "size", "seeds", "cascade_share", "cascade_low", "cascade_high", "fall_pct",
             "base_fall_pct", "amplification", "amplification_low", "amplification_high", "flow_ratio")  # fmt: skip
    lines = [*sentences(answer), ""]
    tables = [(settings_frame(answer), {name: SETTINGS[name] for name in short})]
    if answer.critical:
        tables.insert(0, (critical_frame(answer), CRITICAL))
    for frame, said in tables:
        head, rows = table_rows(frame, said)
        widths = [max(len(row[k]) for row in [head, *rows]) for k in range(len(head))]
        lines += ["  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)) for row in [head, *rows]]
        lines.append("")
    return "\n".join([*lines, f"Tables, figures and page: {place}"])
