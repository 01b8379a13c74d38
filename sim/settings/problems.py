"""What is wrong with a text, and where: places, key paths, sentences."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sim.errors import ScenarioError

Keys = tuple[str | int, ...]

_MOST_LINES = 50


class Place(NamedTuple):
    """Where a value was written: file and line, or an option of the command line (line 0)."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


class Problem(NamedTuple):
    """One thing wrong: where, at which key path, and the sentence."""

    place: Place
    keys: Keys
    sentence: str

    def __str__(self) -> str:
        path = ".".join(map(str, self.keys))
        line = f"{self.place}: {path}: {self.sentence}" if path else f"{self.place}: {self.sentence}"
        return "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)


@dataclass
class Document:
    """Plain data read from one file, the place of each key path, and what was wrong with the text."""

    data: Any = None
    places: dict[Keys, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def place_of(self, keys: Keys, otherwise: Place) -> Place:
        """Place of a setting, or of the nearest group above it that the text has.

        Parameters
        ----------
        keys : tuple of str or int
            Key path.
        otherwise : Place
            Returned when nothing on the path was written.

        Returns
        -------
        Place
            File, line and column.
        """
        written = (self.places[keys[:n]] for n in range(len(keys), 0, -1) if keys[:n] in self.places)
        return next(written, otherwise)


def refusal(problems: Sequence[Problem]) -> ScenarioError:
    """The error that carries a list of problems to the user.

    Parameters
    ----------
    problems : sequence of Problem
        At least one.

    Returns
    -------
    ScenarioError
        One line each; beyond 50 the rest is counted in a last line.
    """
    lines = [str(problem) for problem in problems[:_MOST_LINES]]
    if len(problems) > _MOST_LINES:
        lines.append(f"and {len(problems) - _MOST_LINES} more problems")
    return ScenarioError(lines)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown word.

    Parameters
    ----------
    word : str
        What was written.
    known : iterable of str
        What would have been understood.

    Returns
    -------
    str
        "; did you mean 'price'?", or "" when nothing is close.
    """
    import difflib  # slow to import, and only needed once something is wrong

    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def shown(value: object) -> str:
    """A value as a message prints it: short, on one line, control characters escaped.

    Parameters
    ----------
    value : object
        Anything read from a file or an option.

    Returns
    -------
    str
        At most 60 characters.
    """
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() > 128:
        return f"an integer of {value.bit_length()} bits"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return "a group of settings"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def no_such(what: str, name: str, known: tuple[str, ...]) -> str:
    """A sentence for a name that is not among those known: what it would be, the names there are, the nearest."""
    return f"no {what} {name!r} (there is: {', '.join(known) or 'none'}){did_you_mean(name, known)}"
