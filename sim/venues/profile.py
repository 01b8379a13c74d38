"""Venue, lender and rules profiles: finding one by name and reading it with every error at its line."""

import os
from functools import lru_cache
from pathlib import Path

from sim.errors import ScenarioError
from sim.settings.complaints import check
from sim.settings.extending import file_extended, read_extended
from sim.settings.lender import LenderSettings
from sim.settings.problems import Document, did_you_mean, refusal
from sim.settings.reader import read_file
from sim.settings.rules import RuleSettings
from sim.settings.venue import VenueSettings

PROFILES = Path(__file__).parent / "profiles"
RULES = Path(__file__).parent / "rules"
LENDERS = Path(__file__).parent / "lenders"
OWN_PROFILES = "SHOAL_VENUES"
"""Environment variable that names a folder of a user's own profiles."""


def profile_names() -> tuple[str, ...]:
    """Names of the venue profiles that can be used: the shipped ones, and those in the folder SHOAL_VENUES names.

    Returns
    -------
    tuple of str
        Sorted, such as ("cex_a",).
    """
    return tuple(sorted(_files()))


def load_profile(name: str) -> VenueSettings:
    """Read a venue profile.

    Parameters
    ----------
    name : str
        Such as "cex_a".

    Returns
    -------
    VenueSettings
        Checked and frozen; the same object on each call while its file stays the same.

    Raises
    ------
    ScenarioError
        When there is no such profile, or its file is broken.
    """
    path = _files().get(name)
    if path is None:
        known = ", ".join(profile_names())
        raise ScenarioError(f"no venue profile {name!r} (there is: {known}){did_you_mean(name, profile_names())}")
    return _read_once(path, _stamps(path))


def read_profile(path: Path) -> VenueSettings:
    """Read a venue profile from any file, and those it extends: shipped ones, or files beside it.

    Parameters
    ----------
    path : Path
        A YAML file.

    Returns
    -------
    VenueSettings
        Checked and frozen.

    Raises
    ------
    ScenarioError
        With one line for each problem.
    """
    settings, problems = check(VenueSettings, _chain(path, []), path.name)
    if settings is None:
        raise refusal(problems)
    return settings


def profile_files(path: Path) -> tuple[Path, ...]:
    """A profile's file and those it extends, in the order in which they are laid over one another: the deepest first.

    Parameters
    ----------
    path : Path
        A YAML file.

    Returns
    -------
    tuple of Path
        The file itself last.
    """
    files: list[Path] = []
    _chain(path, files)
    return tuple(reversed(files))


def _has(key: str, path: Path, folder: Path = PROFILES, kind: str = "venue profile") -> bool:
    """Whether a YAML file, or what it extends, has a key at its top."""
    if path.suffix not in (".yaml", ".yml") or not path.is_file():
        return False
    data = _chain(path, [], folder, kind).data
    return isinstance(data, dict) and key in data


def is_profile(path: Path) -> bool:
    """Whether a file is a venue profile: margin tiers at the top of it or of what it extends, which no scenario has.

    Parameters
    ----------
    path : Path
        Any path.

    Returns
    -------
    bool
    """
    return _has("margin_tiers", path)


def load_rules(name: str) -> RuleSettings:
    """Read a rules profile of the calculator.

    Parameters
    ----------
    name : str
        Such as "dydx_v4_like".

    Returns
    -------
    RuleSettings
        Checked and frozen.

    Raises
    ------
    ScenarioError
        When there is no such profile, or its file is broken.
    """
    known = sorted(path.stem for path in RULES.glob("*.yaml"))
    if name not in known:
        raise ScenarioError(f"no rules profile {name!r} (there is: {', '.join(known)}){did_you_mean(name, known)}")
    path = RULES / f"{name}.yaml"
    settings, problems = check(RuleSettings, read_file(path, path.name), path.name)
    if settings is None:
        raise refusal(problems)
    return settings


def lender_names() -> tuple[str, ...]:
    """Names of the shipped lender profiles."""
    return tuple(sorted(path.stem for path in LENDERS.glob("*.yaml")))


def load_lender(name: str) -> LenderSettings:
    """Read the profile of a lending protocol.

    Parameters
    ----------
    name : str
        Such as "lender_a".

    Returns
    -------
    LenderSettings
        Checked and frozen.

    Raises
    ------
    ScenarioError
        When there is no such profile, or its file is broken.
    """
    known = lender_names()
    if name not in known:
        raise ScenarioError(f"no lender profile {name!r} (there is: {', '.join(known)}){did_you_mean(name, known)}")
    return read_lender(LENDERS / f"{name}.yaml")


def read_lender(path: Path) -> LenderSettings:
    """Read a lender profile from any file, and those it extends: shipped ones, or files beside it.

    Parameters
    ----------
    path : Path
        A YAML file.

    Returns
    -------
    LenderSettings
        Checked and frozen.

    Raises
    ------
    ScenarioError
        With one line for each problem.
    """
    settings, problems = check(LenderSettings, _chain(path, [], LENDERS, "lender profile"), path.name)
    if settings is None:
        raise refusal(problems)
    return settings


def is_lender(path: Path) -> bool:
    """Whether a file is a lender profile: a close factor at the top of it or of what it extends.

    Parameters
    ----------
    path : Path
        Any path.

    Returns
    -------
    bool
    """
    return _has("close_factor", path, LENDERS, "lender profile")


def _files() -> dict[str, Path]:
    shipped = {path.stem: path for path in PROFILES.glob("*.yaml")}
    folder = os.environ.get(OWN_PROFILES)
    if not folder:
        return shipped
    if not Path(folder).is_dir():
        raise ScenarioError(f"{OWN_PROFILES} is {folder!r}, which is no folder: correct or unset it")
    own = {path.stem: path for path in Path(folder).glob("*.yaml")}
    for name in sorted(own.keys() & shipped.keys()):
        raise ScenarioError(f"{own[name]}: {name!r} is the name of a shipped venue profile: rename the file")
    return shipped | own


def _chain(path: Path, files: list[Path], folder: Path = PROFILES, kind: str = "venue profile") -> Document:
    """The merged text of a profile; the files read are appended to ``files``, the profile's own first."""

    def read_layer(layer: Path, shown: str) -> Document:
        files.append(layer)
        return read_file(layer, shown)

    shipped = {file.stem: file for file in folder.glob("*.yaml")}
    return read_extended(
        path,
        path.name,
        read_layer,
        lambda value, at: file_extended(value, at, shipped, kind),
        lambda below, _above: below.name,
    )


def _stamps(path: Path) -> tuple[int, ...]:
    """When a profile's file and those beside it, which it may extend, were last written."""
    return tuple(file.stat().st_mtime_ns for file in sorted(path.parent.glob("*.yaml")))


@lru_cache(maxsize=64)
def _read_once(path: Path, _written_ns: tuple[int, ...]) -> VenueSettings:
    return read_profile(path)
