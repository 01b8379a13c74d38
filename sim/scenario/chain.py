"""Finding a scenario file and reading it together with what it extends; imports no settings model, so it is quick."""

from pathlib import Path

from sim.errors import ScenarioError
from sim.scenario.own_csv import read_own_csv
from sim.scenario.places import scenario_names, scenarios_dir
from sim.settings.extending import file_extended, is_file, read_extended
from sim.settings.problems import Document, did_you_mean
from sim.settings.reader import read_file


def find_scenario(name_or_path: str | Path) -> tuple[Path, str]:
    """Turn what a user typed into a file.

    Parameters
    ----------
    name_or_path : str or Path
        Name of a shipped scenario, or path of a YAML file.

    Returns
    -------
    path : Path
        The file; it may not exist when a path was given.
    shown : str
        How messages name it.

    Raises
    ------
    ScenarioError
        When a name is not that of a shipped scenario.
    """
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or "/" in text or "\\" in text or text.endswith((".yaml", ".yml")):
        return Path(text), text
    if text in scenario_names():
        path = scenarios_dir() / f"{text}.yaml"
        return path, _short(path)
    names = scenario_names()
    cure = did_you_mean(text, names)
    if not cure and is_file(Path(f"{text}.yaml")):
        cure = f"; for the file in this folder write '{text}.yaml'"
    raise ScenarioError(f"no scenario {text!r} (there is: {', '.join(names)}; or give the path of a .yaml file){cure}")


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return path.name


def read_layer(path: Path, shown: str) -> Document:
    """Read one file, and the CSV files that it names."""
    document = read_file(path, shown)
    read_own_csv(document, path.parent, inside=True)
    return document


def read_chain(path: Path, shown: str) -> Document:
    """Read a scenario file and, below it, the files it extends; nothing is checked but their text and the chain.

    Parameters
    ----------
    path : Path
        The file.
    shown : str
        How messages name it.

    Returns
    -------
    Document
        The merged data, with the place of every value in the file it came from, and every problem of the text.
    """
    return read_extended(path, shown, read_layer, _extended, _shown_below)


def _shown_below(path: Path, above: str) -> str:
    return _short(path) if path.parent == scenarios_dir() else str(Path(above).parent / path.name)


def _extended(value: object, path: Path) -> Path | str:
    """File that ``extends: value`` in ``path`` means, or what is wrong with it."""
    return file_extended(value, path, {name: scenarios_dir() / f"{name}.yaml" for name in scenario_names()}, "scenario")
