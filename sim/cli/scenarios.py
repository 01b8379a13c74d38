"""Commands on scenario files: validate, list, show, schema."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from sim.errors import ScenarioError

Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="PATH=VALUE", help="Change one setting, such as market.price=100kUSD; may be repeated."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the ``shoal`` command.

    Parameters
    ----------
    app : typer.Typer
        Changed in place.
    """
    for command in (validate, list_scenarios, show, schema):
        app.command(name=command.__name__.removesuffix("_scenarios"))(command)


def validate(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE", help="Scenario files, names of shipped ones, or venue profiles.")
    ],
    changes: Changes = None,
    as_json: AsJson = False,
) -> None:
    """Check scenario files and venue profiles and name every error at its line; exit code 2 when there is one."""
    results = [_checked(name, changes or []) for name in files]
    if as_json:
        typer.echo(json.dumps(results, indent=1, ensure_ascii=False))
    else:
        for result in results:
            if result["ok"]:
                lasts = f"{result['duration_s']:g} s" if "duration_s" in result else result["kind"]
                typer.echo(f"{result['file']}: ok: {result['title']} ({lasts})")
            for problem in result["problems"]:
                typer.echo(problem, err=True)
    if not all(result["ok"] for result in results):
        raise typer.Exit(ScenarioError.exit_code)


def _checked(name: str, changes: list[str]) -> dict[str, Any]:
    from sim.scenario.load import load_spec
    from sim.scenario.write import scenario_hash
    from sim.venues.profile import is_lender, is_profile, read_lender, read_profile

    try:
        for kind, is_one, read in (
            ("venue profile", is_profile, read_profile),
            ("lender profile", is_lender, read_lender),
        ):
            if is_one(Path(name)):
                title = read(Path(name)).title
                return {"file": name, "ok": True, "problems": [], "name": Path(name).stem, "title": title, "kind": kind}
        spec = load_spec(name, changes)
    except ScenarioError as error:
        return {"file": name, "ok": False, "problems": list(error.problems)}
    return {
        "file": name,
        "ok": True,
        "problems": [],
        "name": spec.name,
        "title": spec.title,
        "duration_s": spec.duration,
        "hash": scenario_hash(spec),
    }


def list_scenarios(as_json: AsJson = False) -> None:
    """List the shipped scenarios."""
    from sim.scenario.chain import read_chain
    from sim.scenario.places import scenario_names, scenarios_dir

    files = {name: scenarios_dir() / f"{name}.yaml" for name in scenario_names()}
    if not files:
        raise ScenarioError(
            f"no scenario is shipped with this installation: {scenarios_dir()} holds none; install Shoal again"
        )
    rows = []
    for name, path in files.items():
        data = read_chain(path, path.name).data or {}
        rows.append(
            {"name": name, **{key: data.get(key, "") for key in ("title", "description", "start_utc", "duration")}}
        )
    if as_json:
        typer.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    width = max(map(len, files))
    for row in rows:
        typer.echo(f"{row['name']:<{width}}  {row['duration']:>7}  {row['title']}")


def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of a shipped scenario, or a file.")],
    changes: Changes = None,
    as_json: AsJson = False,
) -> None:
    """Print a scenario with every default filled in; the output is itself a scenario file."""
    from sim.scenario.load import load_spec
    from sim.scenario.write import spec_to_dict, spec_to_yaml

    spec = load_spec(name, changes or [])
    typer.echo(json.dumps(spec_to_dict(spec), indent=1, ensure_ascii=False) if as_json else spec_to_yaml(spec).rstrip())


def schema(
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write to a file instead of stdout.")
    ] = None,
    reference: Annotated[bool, typer.Option("--reference", help="The field reference in Markdown instead.")] = False,
) -> None:
    """Print the JSON schema of scenario files, for editors."""
    from sim.scenario.reference import reference_markdown
    from sim.scenario.write import schema_text

    text = reference_markdown() if reference else schema_text()
    if out is None:
        typer.echo(text.rstrip())
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(f"cannot write {out}: {error.strerror}", param_hint="--out") from None
    typer.echo(f"wrote {out}", err=True)
