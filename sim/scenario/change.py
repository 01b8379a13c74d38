"""A scenario that is already resolved, with changes: as ``--set`` makes them, and with shocks added at the end."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sim.errors import ScenarioError
from sim.scenario.load import checked_spec
from sim.scenario.overrides import apply_overrides
from sim.scenario.own_csv import read_own_csv
from sim.scenario.spec import Spec
from sim.scenario.write import spec_to_yaml
from sim.settings.reader import read_text

_SHOWN = "saved state"
_PLACE = re.compile(rf"^{_SHOWN}:\d+:\d+: ")  # in a text that nobody has seen


def change_spec(
    spec: Spec, overrides: Mapping[str, object] | Sequence[str] = (), add_shocks: Sequence[object] = ()
) -> Spec:
    """Change a scenario.

    Parameters
    ----------
    spec : Spec
    overrides : mapping or sequence of str
        As for ``load_spec``.
    add_shocks : sequence
        Mappings, or YAML text of one.

    Returns
    -------
    Spec
        ``spec`` itself when there is no change.

    Raises
    ------
    ScenarioError
        With one line for each problem.
    """
    if not overrides and not add_shocks:
        return spec
    document = read_text(spec_to_yaml(spec), _SHOWN)
    apply_overrides(document, overrides)
    if add_shocks and isinstance(document.data, dict):
        shocks = document.data.get("shocks")
        document.data["shocks"] = [*(shocks if isinstance(shocks, list) else []), *map(_shock, add_shocks)]
    read_own_csv(document, Path(), inside=False)
    try:
        changed = checked_spec(document, _SHOWN)
    except ScenarioError as error:
        raise ScenarioError([_PLACE.sub("", line) for line in error.problems]) from None
    return spec if changed == spec else changed


def _shock(shock: object) -> Any:
    if isinstance(shock, Mapping):
        return {str(key): value for key, value in shock.items()}
    read = read_text(str(shock), "--add-shock")
    if read.problems or not isinstance(read.data, dict):
        raise ScenarioError(
            f"--add-shock {str(shock)[:60]!r}: expected a shock such as {{kind: halt, at: 45m, over: 5m}}"
        )
    return read.data
