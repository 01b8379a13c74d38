"""YAML text to plain data, with the place of every value; nothing in a file can run code, expand or guess a type.

PyYAML is used for its events alone: the data are built here with a stack of our own, so depth cannot exhaust Python's,
and the only values are text, null, true, false, decimal whole numbers and floats (``1e3`` included; ``8:30``, ``on``
and ``017`` stay text). Anchors, aliases, tags, duplicate keys, a second document, oversize input: refused by line.
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sim.settings.problems import Document, Keys, Place, Problem

MAX_BYTES, MAX_NODES, MAX_DEPTH = 1_000_000, 50_000, 20
_LONGEST_NUMBER = 40
_TOO_DEEP = f"nested more than {MAX_DEPTH} levels deep: no scenario is"

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same events; libyaml's parser where it was built
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class _StopError(Exception):
    """Raised inside this file to end the reading of a text that must not be read further."""


@dataclass
class _Frame:
    container: dict[str, Any] | list[Any]
    keys: Keys
    pending: str | None = None  # key that waits for its value
    skipped: bool = False  # the value of a duplicate or unusable key is read and dropped


def read_file(path: Path, shown: str) -> Document:
    """Read one YAML file.

    Parameters
    ----------
    path : Path
        File on disk.
    shown : str
        How the file is named in messages.

    Returns
    -------
    Document
        ``data`` is None when the text could not be read at all; ``problems`` then says why.
    """
    try:
        if not path.is_file():
            why = "is a folder or a device, not a file" if path.exists() else "no such file"
            return _failed(shown, why)
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        return _failed(shown, f"cannot be read: {getattr(error, 'strerror', None) or error}")
    if len(raw) > MAX_BYTES:
        return _failed(shown, f"larger than {MAX_BYTES // 1_000_000} MB: no scenario is; is this the right file?")
    if b"\0" in raw:
        return _failed(shown, "holds NUL bytes, so it is not a text file")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - (raw.rfind(b"\n", 0, error.start) + 1) + 1
        return _failed(shown, f"is not UTF-8 text (byte 0x{raw[error.start]:02x}): save it as UTF-8", line, column)
    return read_text(text, shown)


def read_text(text: str, shown: str) -> Document:
    """Read YAML text.

    Parameters
    ----------
    text : str
        One YAML document.
    shown : str
        How its source is named in messages.

    Returns
    -------
    Document
        Data, places and problems; problems that leave the rest readable do not end the reading.
    """
    bad = _UNPRINTABLE.search(text)
    if bad is not None:
        line, column = text.count("\n", 0, bad.start()) + 1, bad.start() - text.rfind("\n", 0, bad.start())
        return _failed(shown, f"holds the control character {bad[0]!r}: use plain text", line, column)
    builder = _Builder(shown)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except _StopError:
        pass
    except yaml.MarkedYAMLError as error:
        builder.document.problems.append(_syntax_problem(error, text, shown))
        builder.document.data = None
    except yaml.YAMLError as error:
        return _failed(shown, f"not valid YAML: {' '.join(str(error).split())}")
    return builder.document


def resolve(text: str) -> Any:
    """Give plain (unquoted) text its value: null, true, false, a decimal number, or the text itself.

    Parameters
    ----------
    text : str
        Unquoted scalar.

    Returns
    -------
    None, bool, int, float or str
        A number that is not finite, or absurdly long, stays text and is refused where a number is wanted.
    """
    if text in _WORDS:
        return _WORDS[text]
    if len(text) <= _LONGEST_NUMBER:
        if _INT.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text) and math.isfinite(float(text)):
            return float(text)
    return text


def _failed(shown: str, sentence: str, line: int = 1, column: int = 1) -> Document:
    return Document(problems=[Problem(Place(shown, line, column), (), sentence)])


def _syntax_problem(error: yaml.MarkedYAMLError, text: str, shown: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark is not None else (0, 0)
    problem = str(error.problem or error.context or "unreadable")
    opened = error.context_mark.line if error.context_mark is not None else line
    where = f" (it begins in line {opened + 1})" if opened != line else ""
    if "nesting depth" in problem:
        return Problem(Place(shown, line + 1, column + 1), (), _TOO_DEEP)
    cure = ""
    if _at(text, line, column) == "\t":
        cure = "; indent with spaces, not tabs"
    elif "mapping values are not allowed" in problem:
        cure = "; put text that holds ': ' in quotes"
    elif "expected <block end>" in problem or "did not find expected key" in problem or "':'" in problem:
        cure = "; check the indentation and that each line reads 'key: value'"
    return Problem(Place(shown, line + 1, column + 1), (), f"not valid YAML: {problem}{where}{cure}")


def _at(text: str, line: int, column: int) -> str:
    lines = text.splitlines()
    return lines[line][column : column + 1] if line < len(lines) else ""


class _Builder:
    """Builds a Document from YAML events with an explicit stack."""

    def __init__(self, shown: str) -> None:
        self.shown = shown
        self.document = Document()
        self.stack: list[_Frame] = []
        self.nodes = 0
        self.documents = 0

    def take(self, event: Any) -> None:
        place = Place(self.shown, event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self._stop(place, "a second document starts here: one file holds one scenario")
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event, place)
        elif isinstance(event, yaml.AliasEvent):
            self._complain(place, f"aliases are not read: write the value instead of *{event.anchor}")
            self._value(None, place)
        elif isinstance(event, yaml.MappingStartEvent):
            self._open({}, event, place)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._open([], event, place)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self.stack.pop()

    def _scalar(self, event: Any, place: Place) -> None:
        frame = self.stack[-1] if self.stack else None
        if frame is not None and isinstance(frame.container, dict) and frame.pending is None:
            self._count(place)
            self._refuse_marks(event, place)
            self._key(frame, event.value, place)
            return
        self._refuse_marks(event, place)
        plain = event.style is None or event.style == ""
        self._value(resolve(event.value) if plain else event.value, place)

    def _key(self, frame: _Frame, key: str, place: Place) -> None:
        frame.pending, frame.skipped = key, key in frame.container
        if frame.skipped:
            first = self.document.places.get((*frame.keys, key))
            where = f" (first in line {first.line})" if first is not None else ""
            self.document.problems.append(
                Problem(place, (*frame.keys, key), f"duplicate key {key!r}{where}: keep one of them")
            )
        else:
            self.document.places[(*frame.keys, key)] = place

    def _open(self, container: dict[str, Any] | list[Any], event: Any, place: Place) -> None:
        frame = self.stack[-1] if self.stack else None
        if frame is not None and isinstance(frame.container, dict) and frame.pending is None:
            self._stop(place, "a key must be plain text, not a list or a mapping")
        self._refuse_marks(event, place)
        keys = self._value(container, place)
        self.stack.append(_Frame(container, keys))
        if len(self.stack) > MAX_DEPTH:
            self._stop(place, _TOO_DEEP, ())

    def _value(self, value: Any, place: Place) -> Keys:
        """Put a value where the parser stands; return its key path."""
        self._count(place)
        if not self.stack:
            self.document.data = value
            self.document.places[()] = place
            return ()
        frame = self.stack[-1]
        keys = self._here()
        if isinstance(frame.container, list):
            frame.container.append(value)
            self.document.places[keys] = place
        else:
            if not frame.skipped and frame.pending is not None:
                frame.container[frame.pending] = value
            frame.pending, frame.skipped = None, False
        return keys

    def _here(self) -> Keys:
        """Key path of the value that comes next."""
        if not self.stack:
            return ()
        frame = self.stack[-1]
        last = len(frame.container) if isinstance(frame.container, list) else frame.pending
        return frame.keys if last is None else (*frame.keys, last)

    def _refuse_marks(self, event: Any, place: Place) -> None:
        if event.anchor is not None:
            self._complain(place, f"anchors are not read: remove &{event.anchor}")
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")[:60]
            self._complain(place, f"tags are not read: remove {tag!r}")

    def _count(self, place: Place) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self._stop(place, f"more than {MAX_NODES} values: no scenario has as many", ())

    def _complain(self, place: Place, sentence: str) -> None:
        self.document.problems.append(Problem(place, self._here(), sentence))

    def _stop(self, place: Place, sentence: str, keys: Keys | None = None) -> None:
        self.document.problems.append(Problem(place, self._here() if keys is None else keys, sentence))
        self.document.data = None
        raise _StopError
