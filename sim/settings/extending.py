"""Files that extend one another: a chain of layers read and laid over each other, every value with its place."""

from collections.abc import Callable, Mapping
from pathlib import Path

from sim.settings.problems import Document, Keys, Place, Problem, did_you_mean

_LONGEST_CHAIN = 10  # files that extend one another


def read_extended(
    path: Path,
    shown: str,
    read_layer: Callable[[Path, str], Document],
    extended: Callable[[object, Path], Path | str],
    shown_below: Callable[[Path, str], str],
) -> Document:
    """Read a file and, below it, the files it extends; nothing is checked but their text and the chain.

    Parameters
    ----------
    path : Path
        The file.
    shown : str
        How messages name it.
    read_layer : callable
        From path and name to the data of one file.
    extended : callable
        From the value of ``extends`` and the file that says it to the file meant, or what is wrong with it.
    shown_below : callable
        How messages name an extended file, from its path and the name of the one that extends it.

    Returns
    -------
    Document
        The merged data, with the place of every value in the file it came from, and every problem of the text.
    """
    document = read_layer(path, shown)
    chain = [real(path)]
    layers = [document]
    while isinstance(document.data, dict) and "extends" in document.data:
        place = document.places.get(("extends",), Place(shown, 1, 1))
        found = extended(document.data.pop("extends"), path)
        if isinstance(found, str):
            layers[0].problems.append(Problem(place, ("extends",), found))
            break
        path = found
        if real(path) in chain:
            names = " -> ".join(p.name for p in [*chain, path])
            layers[0].problems.append(Problem(place, ("extends",), f"goes in a circle: {names}"))
            break
        if len(chain) >= _LONGEST_CHAIN:
            layers[0].problems.append(
                Problem(place, ("extends",), f"more than {_LONGEST_CHAIN} files extend one another")
            )
            break
        chain.append(real(path))
        shown = shown_below(path, shown)
        document = read_layer(path, shown)
        layers.append(document)
    return _merged(layers)


def file_extended(value: object, path: Path, shipped: Mapping[str, Path], kind: str) -> Path | str:
    """File that ``extends: value`` in ``path`` means.

    Parameters
    ----------
    value : object
        What the file says.
    path : Path
        The file.
    shipped : mapping
        Name to file of what is shipped.
    kind : str
        What both are: "scenario", "venue profile".

    Returns
    -------
    Path or str
        The file, one beside this one first; or what is wrong with the value.
    """
    if not isinstance(value, str) or not value.strip():
        return f"expected the name of a shipped {kind} or of a file beside this one"
    wanted = Path(value if value.endswith((".yaml", ".yml")) else f"{value}.yaml")
    if wanted.is_absolute() or ".." in wanted.parts or "\\" in value or "\0" in value or "~" in value or ":" in value:
        return (
            f"{value!r} leaves the folder of this file: only shipped {kind}s and files in or below it can be extended"
        )
    folder = real(path.parent)
    beside = folder / wanted
    if is_file(beside):
        if not real(beside).is_relative_to(folder):
            return f"{value!r} is a link that leaves the folder of this file: copy the file here"
        return beside
    if value in shipped:
        return shipped[value]
    near = [p.stem for p in folder.glob("*.yaml")] if folder.is_dir() else []
    cure = did_you_mean(value, [*shipped, *near])
    return f"no {kind} {value!r} is shipped, and no such file lies beside this one{cure}"


def is_file(path: Path) -> bool:
    """Whether a path that a user wrote names a file; False where it cannot be asked."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def real(path: Path) -> Path:
    """A path without links, as it is where it cannot be asked."""
    try:
        return path.resolve()
    except (OSError, ValueError):
        return path


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
