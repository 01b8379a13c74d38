"""Write ``docs/parameters.md``: every setting of one scenario with its value and its evidence.

``python -m calibration.parameters``; a test checks that the page is current.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sim.scenario.load import load_spec
from sim.scenario.reference import reference_rows
from sim.scenario.spec import NOT_READ, Spec
from sim.settings.venue import VenueSettings
from sim.venues.profile import PROFILES, load_profile, profile_files

SCENARIO = "calm_btc"
ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "parameters.md"
AFTER_THE_EVENT = Path(__file__).resolve().parent / "after_the_event.md"
STATUS = {"sourced": "fixed", "measured": "fixed", "judgement": "free", "scenario": "chosen"}

_HEAD = f"""<!-- Written by `python -m calibration.parameters`; a test checks that it is current. -->
# Parameters of `{SCENARIO}`

Every setting of the scenario and of its venue, with the value it has in memory: seconds, US dollars, coins, fractions.
A setting may be given in a scenario file or with `--set`; `scenarios/README.md` says how.

- *fixed*: taken from a source or measured on recordings; not moved to make an outcome fit.
- *free*: a judgement. Nothing pins it down; results that hang on it must be shown over a range of it.
- *chosen*: the author of the scenario decides.
- *after 20:49*: yes where data from after 20:49 UTC on 10 October 2025 went into the value; see
  `calibration/after_the_event.md`.

P, F and A marks are rows of `calibration/targets.yaml`; `calibration/derived/figures.csv` holds those that are measured
again here. R marks are points of the model's review.
"""


@dataclass(frozen=True)
class Row:
    """One setting of the page."""

    path: str
    value: str
    unit: str
    provenance: str
    source: str
    after: bool

    def cells(self) -> tuple[str, ...]:
        """The row as printed."""
        status = STATUS[self.provenance]
        after = "yes" if self.after else ""
        return (f"`{self.path}`", self.value, self.unit, self.provenance, status, after, self.source)


def page() -> str:
    """The text of ``docs/parameters.md``."""
    spec = load_spec(SCENARIO)
    after = paths_after_the_event()
    settings = rows_of(Spec, spec.model_dump(mode="python"), {}, after)
    profile = PROFILES / f"{spec.venue}.yaml"
    venue = rows_of(VenueSettings, load_profile(spec.venue).model_dump(mode="python"), comments_of(profile), after)
    counts = {status: sum(STATUS[row.provenance] == status for row in settings + venue) for status in STATUS.values()}
    tally = ", ".join(f"{n} {status}" for status, n in counts.items())
    return (
        f"{_HEAD}\nOf {len(settings) + len(venue)} settings: {tally}.\n\n## Scenario\n\n{table(settings)}\n"
        f"## Venue profile `{spec.venue}`\n\n{table(venue)}"
    )


def rows_of(
    model: type[Spec] | type[VenueSettings],
    values: Mapping[str, Any],
    sources: Mapping[str, str],
    after: frozenset[str],
) -> list[Row]:
    """Each setting of a model with its value.

    Parameters
    ----------
    model : type of pydantic.BaseModel
        Spec or VenueSettings.
    values : mapping
        What the model dumps to, in memory units.
    sources : mapping
        Path to the source given in the profile's file; wins over the model's own.
    after : frozenset of str
        Paths that after_the_event.md lists.
    """
    rows = []
    for field in reference_rows(model):
        if ".N." in field.path or ".NAME." in field.path:  # what an entry of a list may hold; the list itself has a row
            continue
        if field.path.partition(".")[0] in NOT_READ:  # provenance and the like are no parameters
            continue
        source = sources.get(field.path, field.source)
        by_memory = field.path in sources and ("judgement" in source or "from memory" in source)
        provenance = "judgement" if by_memory else field.provenance
        value = written(value_at(values, field.path))
        rows.append(Row(field.path, value, field.unit, provenance, source, field.path in after))
    return rows


def value_at(values: Mapping[str, Any], path: str) -> Any:
    """The value under a dotted path."""
    found: Any = values
    for key in path.split("."):
        found = found[key]
    return found


def written(value: Any) -> str:
    """A value on one line: numbers with up to ten digits, entries of a list divided by semicolons."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.10g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Mapping):
        return " ".join(f"{key} {written(part)}" for key, part in value.items())
    if isinstance(value, (list, tuple)):
        return "; ".join(written(part) for part in value) or "none"
    return str(value)


def comments_of(profile: Path) -> dict[str, str]:
    """Source of each setting of a venue profile: the comment on its line, or right above it after a blank line; of what
    it does not set itself, that in the profile it extends.
    """
    found: dict[str, str] = {}
    for file in profile_files(profile):
        found |= _comments_in(file)
    return found


def _comments_in(file: Path) -> dict[str, str]:
    text = file.read_text(encoding="utf-8")
    lines = text.splitlines()
    found: dict[str, str] = {}

    def walk(node: yaml.Node, prefix: str) -> None:
        if not isinstance(node, yaml.MappingNode):
            return
        for key, inner in node.value:
            number = key.start_mark.line
            comment = lines[number].partition(" # ")[2].strip()
            if not comment and number > 1 and lines[number - 1].startswith("# ") and not lines[number - 2].strip():
                comment = lines[number - 1].removeprefix("# ")
            if comment:
                found[f"{prefix}{key.value}"] = comment
            walk(inner, f"{prefix}{key.value}.")

    walk(yaml.compose(text, Loader=yaml.SafeLoader), "")
    return found


def paths_after_the_event() -> frozenset[str]:
    """Settings that ``after_the_event.md`` lists in the first column of its table."""
    return frozenset(re.findall(r"^\| `([a-z0-9_.]+)` \|", AFTER_THE_EVENT.read_text(encoding="utf-8"), re.MULTILINE))


def table(rows: list[Row]) -> str:
    """Markdown table of the rows."""
    lines = ["| setting | value | unit | provenance | status | after 20:49 | source |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row.cells()) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
    print("wrote docs/parameters.md")


if __name__ == "__main__":
    main()
