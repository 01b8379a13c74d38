"""``--set a.b.0.c=value``: changes to a scenario after its file is read, checked like the file itself."""

from collections.abc import Mapping, Sequence
from typing import Any

from sim.settings.problems import Document, Keys, Place, Problem
from sim.settings.reader import read_text


def apply_overrides(document: Document, overrides: Mapping[str, object] | Sequence[str]) -> None:
    """Write changes into a document read from a file; what is wrong with them joins its problems.

    Parameters
    ----------
    document : Document
        Changed in place. Nothing is done when its text could not be read.
    overrides : mapping or sequence of str
        Dotted path to a plain value, or "path=value" with the value in YAML (a scalar, or a list in brackets).
    """
    if not isinstance(document.data, dict):
        return
    if isinstance(overrides, Mapping):
        for path, value in overrides.items():
            _put(document, str(path), _plain(value), Place(f"override {path}"))
        return
    for text in overrides:
        path, equals, written = str(text).partition("=")
        place = Place(f"--set {text}")
        if not equals or not path.strip():
            document.problems.append(Problem(place, (), "expected path=value, such as market.price=100kUSD"))
            continue
        read = read_text(written, f"--set {text}")
        if read.problems:
            document.problems += [Problem(place, problem.keys, problem.sentence) for problem in read.problems]
        else:
            _put(document, path.strip(), read.data, place)


def _plain(value: object) -> Any:
    """Tuples become lists and mappings dicts, as a file would give them."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def _put(document: Document, path: str, value: Any, place: Place) -> None:
    parts = path.split(".")
    keys: Keys = tuple(int(part) if part.isascii() and part.isdigit() and len(part) < 9 else part for part in parts)
    if keys[0] == "extends":
        document.problems.append(Problem(place, (), "extends cannot be set: name the other scenario instead"))
        return
    holder: Any = document.data
    for n, key in enumerate(keys):
        last = n == len(keys) - 1
        if isinstance(holder, list):
            if not isinstance(key, int) or key >= len(holder):
                why = f"has no entry {key!r}: it holds {len(holder)}, counted from 0"
                document.problems.append(Problem(place, keys[:n], why))
                return
        elif isinstance(key, int):
            why = f"is no list in the file, so entry {key} cannot be set: set the whole list in brackets"
            document.problems.append(Problem(place, keys[:n], why))
            return
        elif not last and holder.get(key) is None:
            holder[key] = {}
        elif not last and not isinstance(holder[key], (dict, list)):
            why = f"is a single value, so {keys[n + 1]!r} in it cannot be set"
            document.problems.append(Problem(place, keys[: n + 1], why))
            return
        if last:
            _replace(document, holder, keys, value, place)
        else:
            document.places[keys[: n + 1]] = document.places.get(keys[: n + 1], place)
            holder = holder[key]


def _replace(document: Document, holder: Any, keys: Keys, value: Any, place: Place) -> None:
    merge = isinstance(value, dict) and isinstance(holder, dict) and isinstance(holder.get(keys[-1]), dict)
    if merge:
        for inner, inner_value in value.items():
            _replace(document, holder[keys[-1]], (*keys, inner), inner_value, place)
        return
    for old in [known for known in document.places if known[: len(keys)] == keys]:
        del document.places[old]
    holder[keys[-1]] = value
    document.places[keys] = place
