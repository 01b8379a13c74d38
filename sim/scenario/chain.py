"""Finding a scenario file and reading it together with what it extends; imports no settings model, so it is quick."""

from pathlib import Path

from sim.errors import ScenarioError
from sim.scenario.news_csv import read_news_csv
from sim.scenario.places import scenario_names, scenarios_dir
from sim.settings.problems import Document, Keys, Place, Problem, did_you_mean
from sim.settings.reader import read_file

_LONGEST_CHAIN = 10  # files that extend one another


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
    if not cure and _is_file(Path(f"{text}.yaml")):
        cure = f"; for the file in this folder write '{text}.yaml'"
    raise ScenarioError(f"no scenario {text!r} (there is: {', '.join(names)}; or give the path of a .yaml file){cure}")


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return path.name


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def read_layer(path: Path, shown: str) -> Document:
    """Read one file, and the CSV file of a news path that it names."""
    document = read_file(path, shown)
    read_news_csv(document, path.parent, inside=True)
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
    document = read_layer(path, shown)
    chain = [_real(path)]
    layers = [document]
    while isinstance(document.data, dict) and "extends" in document.data:
        place = document.places.get(("extends",), Place(shown, 1, 1))
        found = _extended(document.data.pop("extends"), path)
        if isinstance(found, str):
            layers[0].problems.append(Problem(place, ("extends",), found))
            break
        path = found
        if _real(path) in chain:
            names = " -> ".join(p.name for p in [*chain, path])
            layers[0].problems.append(Problem(place, ("extends",), f"goes in a circle: {names}"))
            break
        if len(chain) >= _LONGEST_CHAIN:
            layers[0].problems.append(
                Problem(place, ("extends",), f"more than {_LONGEST_CHAIN} files extend one another")
            )
            break
        chain.append(_real(path))
        shown = _short(path) if path.parent == scenarios_dir() else str(Path(shown).parent / path.name)
        document = read_layer(path, shown)
        layers.append(document)
    return _merged(layers)


def _real(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, ValueError):
        return path


def _extended(value: object, path: Path) -> Path | str:
    """File that ``extends: value`` in ``path`` means, or what is wrong with it."""
    if not isinstance(value, str) or not value.strip():
        return "expected the name of a shipped scenario or of a file beside this one"
    wanted = Path(value if value.endswith((".yaml", ".yml")) else f"{value}.yaml")
    if wanted.is_absolute() or ".." in wanted.parts or "\\" in value or "\0" in value or "~" in value or ":" in value:
        return (
            f"{value!r} leaves the folder of this file: only shipped scenarios and files in or below it can be extended"
        )
    folder = _real(path.parent)
    beside = folder / wanted
    if _is_file(beside):
        if not _real(beside).is_relative_to(folder):
            return f"{value!r} is a link that leaves the folder of this file: copy the file here"
        return beside
    if value in scenario_names():
        return scenarios_dir() / f"{value}.yaml"
    near = [p.stem for p in folder.glob("*.yaml")] if folder.is_dir() else []
    cure = did_you_mean(value, [*scenario_names(), *near])
    return f"no scenario {value!r} is shipped, and no such file lies beside this one{cure}"


def _merged(layers: list[Document]) -> Document:
    """Lay each file over the one it extends: mappings merge, lists and values replace."""
    result = layers[-1]
    for upper in reversed(layers[:-1]):
        places = dict(result.places)
        if isinstance(result.data, dict) and isinstance(upper.data, dict):
            result = Document(
                _merge(result.data, upper.data, (), places, upper.places), places, result.problems + upper.problems
            )
            places[()] = upper.places[()]
        else:
            result = Document(None, upper.places, result.problems + upper.problems or [_not_a_mapping(result)])
    return result


def _not_a_mapping(document: Document) -> Problem:
    place = document.places.get((), Place("the extended file", 1, 1))
    return Problem(place, (), "is extended, but holds no 'key: value' lines")


def _merge(
    lower: dict[str, object], upper: dict[str, object], at: Keys, places: dict[Keys, Place], above: dict[Keys, Place]
) -> dict[str, object]:
    merged = dict(lower)
    for key, value in upper.items():
        keys = (*at, key)
        below = merged.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            merged[key] = _merge(below, value, keys, places, above)
        else:
            for old in [known for known in places if known[: len(keys)] == keys]:
                del places[old]
            merged[key] = value
            places |= {new: place for new, place in above.items() if new[: len(keys)] == keys}
        places[keys] = above.get(keys, Place("?"))
    return merged
