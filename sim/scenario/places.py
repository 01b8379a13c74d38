"""Where shipped files live: in the installed package's data, or in the clone beside the package."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def _folder(data: str, clone: str) -> Path:
    installed = _PACKAGE / "_data" / data
    return installed if installed.is_dir() else _PACKAGE.parent / clone


def scenarios_dir() -> Path:
    """Folder of the shipped scenarios.

    Returns
    -------
    Path
        ``sim/_data/scenarios`` in an installed package, ``scenarios`` in a clone.
    """
    return _folder("scenarios", "scenarios")


def derived_dir() -> Path:
    """Folder of the recorded paths that scenarios name (news and evidence).

    Returns
    -------
    Path
        ``sim/_data/derived`` in an installed package, ``calibration/derived`` in a clone.
    """
    return _folder("derived", "calibration/derived")


def targets_file() -> Path:
    """The table of targets.

    Returns
    -------
    Path
        ``sim/_data/targets.yaml`` in an installed package, ``calibration/targets.yaml`` in a clone.
    """
    installed = _PACKAGE / "_data" / "targets.yaml"
    return installed if installed.is_file() else _PACKAGE.parent / "calibration" / "targets.yaml"


def published_dir() -> Path:
    """Folder of the experiments' results.

    Returns
    -------
    Path
        ``results/published`` in a clone; an installed package has none, and the folder is not there.
    """
    return _PACKAGE.parent / "results" / "published"


def scenario_names() -> tuple[str, ...]:
    """Names of the shipped scenarios.

    Returns
    -------
    tuple of str
        Sorted.
    """
    return tuple(sorted(path.stem for path in scenarios_dir().glob("*.yaml")))


def recorded_names(column: str) -> tuple[str, ...]:
    """Names of the recorded paths that hold a column: what a scenario can name.

    Parameters
    ----------
    column : str
        "return_bp" for an index path that news can follow, "close_usd" for prices to draw beside an outcome.

    Returns
    -------
    tuple of str
        Sorted.
    """
    return tuple(sorted(path.stem for path in derived_dir().glob("*.csv") if column in _columns(path)))


def _columns(path: Path) -> list[str]:
    with path.open(encoding="utf-8") as lines:
        heading = next((line for line in lines if not line.startswith("#")), "")
    return heading.strip().split(",")
