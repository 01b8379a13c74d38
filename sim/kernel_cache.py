"""The on-disk cache of compiled kernels: one that cannot go stale, wherever the package lies.

Numba looks only at the file of the cached function, so that after an edit of a helper in another file the caller would
go on running the old code (numba issue 1833). Here a function's stamp is the hash of its file and of every project file
that it imports, however far down. Cached code is stored as pickles, so no folder is chosen that others can write.
"""

import gc
import hashlib
import json
import os
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ast

PACKAGE = Path(__file__).resolve().parent
LOCATOR = "sim.kernel_locator.KernelLocator"
# Numba's own, for functions that are not the project's.
_OTHER_LOCATORS = "UserProvidedCacheLocator,InTreeCacheLocator,UserWideCacheLocator,IPythonCacheLocator,ZipCacheLocator"
_VARIABLE = "NUMBA_CACHE_LOCATOR_CLASSES"
# Settings that change the compiled code and are not part of Numba's own cache key: each has a folder of its own.
_COMPILER_SETTINGS = ("NUMBA_BOUNDSCHECK", "NUMBA_OPT", "NUMBA_DEBUGINFO", "SHOAL_KEEP_WRAPPERS")
MARKET, COUPLING = "the market", "the coupling of markets"
_FLEETING = "shoal-kernels-"  # head of the name of a folder for one process


def prepare() -> None:
    """Let Numba use this cache; called when ``sim`` is imported, before Numba is."""
    chosen = os.environ.get(_VARIABLE, "") or _OTHER_LOCATORS
    if LOCATOR not in chosen.split(","):
        os.environ[_VARIABLE] = f"{LOCATOR},{chosen}"
    if "numba" in sys.modules:  # too late for the variable
        sys.modules["numba"].config.CACHE_LOCATOR_CLASSES = os.environ[_VARIABLE]


@cache
def cache_dir() -> Path:
    """Folder of the compiled kernels; made when first asked for.

    Returns
    -------
    Path
        Below ``NUMBA_CACHE_DIR`` if that is set, else the user's cache folder, else a folder of the user's in the
        system's temporary folder: the first that can be written. As a last resort a new temporary folder, with which
        every start compiles anew.
    """
    settings = [f"{name.lower()}_{os.environ[name]}" for name in _COMPILER_SETTINGS if os.environ.get(name)]
    name = "-".join(["kernels", *settings])
    for folder in (os.environ.get("NUMBA_CACHE_DIR"), _user_cache(), _user_temporary()):
        if folder and _is_writable(path := Path(folder).absolute() / name):
            return path
    return Path(tempfile.mkdtemp(prefix=_FLEETING))


def is_lasting() -> bool:
    """Whether the cache folder will be found again by the next start."""
    return not cache_dir().name.startswith(_FLEETING)


def _user_cache() -> str:
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(home, "shoal")


def _user_temporary() -> str | None:
    """A folder in the shared temporary one that is the user's alone; None where somebody else has taken the name."""
    path = Path(tempfile.gettempdir()) / f"shoal-{os.getuid() if hasattr(os, 'getuid') else 'cache'}"
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        found = path.lstat()
    except OSError:
        return None
    mine = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    private = stat.S_ISDIR(found.st_mode) and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return str(path) if mine and private else None


def _is_writable(path: Path) -> bool:
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return True
    except OSError:
        return False


def project_imports(path: Path) -> list[Path]:
    """Project files that a Python file imports directly.

    Parameters
    ----------
    path : Path
        A file of the project, or one outside it that uses the project.

    Returns
    -------
    list of Path
        Files of ``sim``, and of the package or folder that ``path`` itself belongs to; sorted.
    """
    return list(_read(*_identity(path))[1])


def source_stamp(path: Path) -> str:
    """Hash of a file and of all project files that it imports, directly or not.

    Parameters
    ----------
    path : Path
        As for ``project_imports``.

    Returns
    -------
    str
        SHA-256, 64 hex digits. Independent of where the project lies.
    """
    return _stamps_of_package().get(path) or _walk(path)


def _walk(path: Path) -> str:
    """The stamp of a file, from its imports."""
    seen: set[Path] = set()
    waiting = [path]
    while waiting:
        file = waiting.pop()
        if file not in seen:
            seen.add(file)
            waiting += project_imports(file)
    lines = sorted(f"{file.parent.name}/{file.name} {_read(*_identity(file))[0]}" for file in seen)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@cache
def _stamps_of_package() -> dict[Path, str]:
    """Stamps of all compiled sources; that of the package's folder itself is the kernel hash."""
    return {PACKAGE / name: stamp for name, stamp in _kept_stamps().items()}


def _kept_stamps() -> dict[str, str]:
    """The same by name within the package, "" for the folder.

    They follow from what the package's files hold, so they are kept in the cache folder under a hash of just that: to
    read every file takes 10 ms, to parse its imports as long as all else that a warm start does with the kernels.
    """
    place = cache_dir() / f"stamps-{_hash_of(sorted(PACKAGE.rglob('*.py')))[:32]}.json"
    try:
        return dict(json.loads(place.read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError):
        sources = compiled_sources()
        stamps = {file.relative_to(PACKAGE).as_posix(): _walk(file) for file in sources} | {"": _hash_of(sources)}
        with tempfile.NamedTemporaryFile("w", dir=place.parent, delete=False, encoding="utf-8") as new:
            json.dump(stamps, new)
        os.replace(new.name, place)
        return stamps


def _hash_of(files: list[Path]) -> str:
    """SHA-256 over names within the package and contents."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.relative_to(PACKAGE).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _identity(path: Path) -> tuple[Path, int, int]:
    """What tells one content of a file from another without reading it."""
    found = path.stat()
    return path, found.st_mtime_ns, found.st_size


@lru_cache(maxsize=4096)
def _read(path: Path, _mtime_ns: int, _size: int) -> tuple[str, tuple[Path, ...]]:
    """Hash of a file's content, and the project files that it imports."""
    import ast  # here, as ``shoal --help`` needs none of it

    content = path.read_bytes()
    names: set[str] = set()
    for node in ast.walk(ast.parse(content)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(node, path)
            names |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    files = {file for name in names if (file := _file_of(name, path)) is not None}
    return hashlib.sha256(content).hexdigest(), tuple(sorted(files))


def _absolute(node: "ast.ImportFrom", path: Path) -> str:
    """Dotted name of the module of ``from ... import``, dots at its head resolved."""
    if not node.level:
        return node.module or ""
    folder = path.parent
    for _ in range(node.level - 1):
        folder = folder.parent
    parts = folder.relative_to(_root_of(path)).parts
    return ".".join([*parts, node.module] if node.module else parts)


def _root_of(path: Path) -> Path:
    """Folder that holds the top package of a file, or the file itself where it is a script."""
    folder = path.parent
    while (folder / "__init__.py").is_file() and folder != folder.parent:
        folder = folder.parent
    return folder


def _file_of(name: str, importer: Path) -> Path | None:
    """File of an imported module of the project or of the importer's own package or folder; None for all others.

    ``sim/__init__.py`` is left out: it holds no code that is compiled, and names every part of the project.
    """
    root = PACKAGE.parent
    top, _, inside = name.partition(".")
    if top != PACKAGE.name:
        root = _root_of(importer)
        own = importer.relative_to(root).parts[0]
        if own.endswith(".py") and inside or not own.endswith(".py") and top != own:
            return None
    elif not inside:
        return None
    place = root.joinpath(*name.split("."))
    return next((file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()), None)


def compiled_sources() -> list[Path]:
    """Every project file whose code is compiled or shapes what is compiled, in name order."""
    waiting = [PACKAGE / name for name in ("schema.py", "rng.py", "tick.py", "coupling.py")]
    waiting += [file for folder in ("kernels", "behaviours") for file in (PACKAGE / folder).glob("*.py")]
    found: set[Path] = set()
    while waiting:
        file = waiting.pop()
        if file not in found and file.is_file():
            found.add(file)
            waiting += project_imports(file)
    return sorted(found)


def kernel_hash() -> str:
    """SHA-256 over the names and contents of all compiled sources: part of every run id and manifest.

    Returns
    -------
    str
        64 hex digits.
    """
    return _stamps_of_package()[PACKAGE]


def _warm_stamp(what: str = MARKET) -> Path:
    from importlib import metadata

    versions = (metadata.version("numba"), metadata.version("llvmlite"), sys.implementation.cache_tag)
    key = hashlib.sha256("\0".join([what, kernel_hash(), str(PACKAGE), *map(str, versions)]).encode()).hexdigest()
    return cache_dir() / f"warm-{key[:16]}"


def is_warm(what: str = MARKET) -> bool:
    """Whether these very kernels have been compiled on this machine before."""
    return _warm_stamp(what).exists()


SELDOM = (1_000_000, 5, 1_000)
"""Objects, and turns, between two searches for circles of dead objects. Numba makes tens of millions of objects while
it compiles; Python's own pace, 700, takes a sixth of the time to find few, this one 160 MB more at its largest."""


@contextmanager
def compiling(what: str = MARKET) -> Iterator[None]:
    """Around the first use of the kernels: on a cold cache, say on stderr that they are compiled, and how long."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0") or is_warm(what):
        yield
        return
    begin, done = time.monotonic(), threading.Event()
    talk = threading.Thread(target=_count_seconds, args=(begin, done), daemon=True)
    sys.stderr.write(f"Compiling {what}: once per machine and version, about a minute ...\n")
    talk.start()
    before = gc.get_threshold()
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        done.set()
        talk.join()
    back = "\r" if sys.stderr.isatty() else ""
    sys.stderr.write(f"{back}Compiled in {time.monotonic() - begin:.0f} s; later starts take about a second.\n")
    _warm_stamp(what).touch()


def _count_seconds(begin: float, done: threading.Event) -> None:
    while not done.wait(1.0):
        if sys.stderr.isatty():
            sys.stderr.write(f"\r  {time.monotonic() - begin:.0f} s")
            sys.stderr.flush()
