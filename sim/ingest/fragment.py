"""A piece of a scenario as a YAML file of its own, which says in comments what every number rests on."""

import os
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim import __version__
from sim.errors import DataError, ScenarioError
from sim.scenario.chain import find_scenario
from sim.scenario.load import load_spec
from sim.scenario.places import scenario_names
from sim.scenario.spec import Spec
from sim.scenario.write import yaml_text

_WIDTH = 116


@dataclass(frozen=True)
class Fragment:
    """A scenario file that changes another one.

    Attributes
    ----------
    extends : str
        Name of the scenario it changes.
    title : str
        One line.
    head : tuple of str
        Comment lines about the data.
    body : tuple of str
        YAML lines below the top settings, comments included.
    source : mapping
        Key of ``sources`` to its entry: as_of, origin, window, repairs, sha256.
    """

    extends: str
    title: str
    head: tuple[str, ...]
    body: tuple[str, ...]
    source: Mapping[str, Mapping[str, str]]

    def text(self, name: str) -> str:
        """The file's text.

        Parameters
        ----------
        name : str
            Name of the scenario.

        Returns
        -------
        str
            YAML that ``shoal validate`` reads.
        """
        top = yaml_text({"extends": self.extends, "name": name, "title": _printable(self.title)[:120]})
        entries = {key: dict(entry) for key, entry in self.source.items()}
        sources = yaml_text({"sources": entries}) if entries else ""
        body = "\n".join(self.body) + "\n" if self.body else ""
        return "\n".join(part for part in (comments(self.head) + top, body, sources) if part)

    def write(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the file, once it has been read back as a scenario without an error.

        Parameters
        ----------
        path : str or Path
            Ends in .yaml; what it extends is a shipped scenario or lies in the same folder.
        force : bool
            Replace a file that is there.

        Returns
        -------
        Path

        Raises
        ------
        ScenarioError
            When the result is no valid scenario: nothing is written then.
        DataError
            When the file exists, or cannot be written.
        """
        file = Path(path)
        if file.suffix not in (".yaml", ".yml"):
            raise DataError(f"{path}: a scenario's file ends in .yaml")
        if self.extends in (file.stem, file.name):
            raise DataError(f"{path}: would extend itself: choose another name, or another --extends")
        return place(file, self.text(name_of(file)), load_spec, force)


def place(file: Path, text: str, check: Callable[[Path], object], force: bool) -> Path:
    """Write a file, once a draft of it beside it has passed a check.

    Parameters
    ----------
    file : Path
    text : str
    check : callable
        Reads a file; raises a ShoalError when it is no good.
    force : bool
        Replace a file that is there.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ScenarioError
        What the check said, with the file's own name; nothing is written then.
    DataError
        When the file exists, or cannot be written.
    """
    if file.exists() and not force:
        raise DataError(f"{file}: exists already: choose another name, or --force to replace it")
    draft = file.with_name(f".{file.stem}.draft{file.suffix}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text, encoding="utf-8")
        check(draft)
        os.replace(draft, file)
    except OSError as error:
        raise DataError(f"{file}: cannot be written ({error.strerror})") from None
    except ScenarioError as error:
        lines = [line.replace(str(draft), str(file)).replace(draft.name, file.name) for line in error.problems]
        raise ScenarioError([*lines, f"{file}: nothing was written"]) from None
    finally:
        draft.unlink(missing_ok=True)
    return file


def comments(lines: Sequence[str]) -> str:
    """Lines as YAML comments, wrapped, with the version that wrote them."""
    out = [f"Written by shoal {__version__}."]
    for line in lines:
        out += textwrap.wrap(_printable(line), _WIDTH, subsequent_indent="  ", break_long_words=False) or [""]
    return "".join(f"# {line}\n" for line in out)


def name_of(file: Path) -> str:
    """A scenario's name from that of its file."""
    return re.sub(r"[^a-z0-9_-]", "_", file.stem.lower()).lstrip("_-")[:64] or "ingested"


def base_spec(extends: str, folder: Path) -> Spec:
    """The scenario that a fragment is going to change.

    Parameters
    ----------
    extends : str
        Name of a shipped scenario, or of a file in the folder.
    folder : Path
        Where the fragment is going to lie.

    Returns
    -------
    Spec

    Raises
    ------
    ScenarioError
        When there is none, or it is broken.
    """
    wanted = extends if extends.endswith((".yaml", ".yml")) else f"{extends}.yaml"
    beside = folder / wanted
    if beside.is_file() or extends not in scenario_names():
        if not beside.is_file():
            find_scenario(extends if "/" not in extends else wanted)  # says what there is
            raise ScenarioError(f"--extends {extends}: no such file beside the one to be written, {folder}")
        return load_spec(beside)
    return load_spec(extends)


def percent(fraction: float) -> str:
    """A fraction as a setting: 0.01 is 1%."""
    return f"{fraction * 100.0:.10g}%"


def dollars(usd: float) -> str:
    """Whole dollars as a setting."""
    return f"${usd:.0f}"


def short(usd: float) -> str:
    """Dollars for a comment."""
    scale, word = next(((s, w) for s, w in ((1e9, "bn"), (1e6, "m"), (1e3, "k")) if abs(usd) >= s), (1.0, ""))
    return f"${usd / scale:.4g}{word}"


def entry(as_of: str, origin: str, window: str, repairs: Sequence[str], sha256: str) -> dict[str, Any]:
    """One entry of ``sources``; texts are cut to what a setting may hold, and say so."""
    said = "; ".join(repairs) or "none needed"
    return {
        "as_of": as_of,
        "origin": _line(origin),
        "window": _line(window),
        "repairs": said if len(said) <= 500 else f"{said[:460].rsplit('; ', 1)[0]}; more in the comments above",
        "sha256": sha256,
    }


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)


def _line(text: str) -> str:
    clean = _printable(text)
    return clean if len(clean) <= 500 else f"...{clean[-490:]}"
