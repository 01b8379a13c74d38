"""The on-disk cache of compiled kernels: one that cannot go stale, wherever the package lies.

Numba looks only at the file of the cached function, so that after an edit of a helper in another file the caller would go on running the
old code. Here a function's stamp is the hash of its file and of every project file that it imports, however far down.
"""

import ast
import hashlib
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
LOCATORS = (
    "sim.kernel_locator.KernelLocator,UserProvidedCacheLocator,InTreeCacheLocator,UserWideCacheLocator,IPythonCacheLocator"
)
# Settings of the compiler that change the code without changing its source, each with its own folder.
COMPILER_SETTINGS = ("NUMBA_BOUNDSCHECK", "NUMBA_OPT", "NUMBA_CPU_NAME", "SHOAL_KEEP_WRAPPERS")


def prepare() -> None:
    """Let Numba use this cache; called when ``sim`` is imported, before Numba is."""
    if "numba" in sys.modules:
        sys.modules["numba"].config.CACHE_LOCATOR_CLASSES = LOCATORS
    os.environ.setdefault("NUMBA_CACHE_LOCATOR_CLASSES", LOCATORS)


@cache
def cache_dir() -> Path:
    """Folder of the compiled kernels: ``NUMBA_CACHE_DIR`` if set, else the user's cache folder, else a temporary one."""
    settings = "-".join(f"{name[6:].lower()}{os.environ[name]}" for name in COMPILER_SETTINGS if os.environ.get(name))
    wanted = [os.environ.get("NUMBA_CACHE_DIR"), _user_cache()]
    for folder in wanted:
        if folder:
            path = Path(folder) / ("kernels-" + settings if settings else "kernels")
            if _is_writable(path):
                return path
    return Path(tempfile.mkdtemp(prefix="shoal-kernels-"))


def _user_cache() -> str:
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(home, "shoal")


def _is_writable(path: Path) -> bool:
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return True
    except OSError:
        return False


def project_imports(path: Path) -> list[Path]:
    """Project files that a Python file imports, in name order."""
    found = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    files = (PACKAGE.joinpath(*name.split(".")[1:]).with_suffix(".py") for name in found if name.startswith("sim."))
    return sorted(file for file in files if file.is_file())


@cache
def source_stamp(path: Path) -> str:
    """Hash of a file and of all project files that it imports, directly or not."""
    seen: set[Path] = set()
    waiting = [path]
    while waiting:
        file = waiting.pop()
        if file not in seen:
            seen.add(file)
            waiting += project_imports(file)
    digest = hashlib.sha256()
    for file in sorted(seen):
        digest.update(file.read_bytes() + b"\0")
    return digest.hexdigest()


def compiled_sources() -> list[Path]:
    """Every file whose code is compiled, in name order."""
    folders = ("kernels", "behaviours")
    files = [PACKAGE / name for name in ("schema.py", "rng.py", "tick.py")]
    files += [file for folder in folders for file in (PACKAGE / folder).glob("*.py")]
    return sorted(file for file in files if file.is_file())


@cache
def kernel_hash() -> str:
    """SHA-256 over the names and contents of all compiled sources: part of every run id and manifest."""
    digest = hashlib.sha256()
    for file in compiled_sources():
        digest.update(str(file.relative_to(PACKAGE).as_posix()).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _warm_stamp() -> Path:
    return cache_dir() / f"warm-{kernel_hash()[:16]}-{sys.implementation.cache_tag}"


def is_warm() -> bool:
    """Whether these very kernels have been compiled on this machine before."""
    return _warm_stamp().exists()


@contextmanager
def compiling() -> Iterator[None]:
    """Around the first use of the kernels: on a cold cache, say on stderr that they are being compiled, and for how long."""
    if is_warm() or os.environ.get("NUMBA_DISABLE_JIT") == "1":
        yield
        return
    begin, done = time.monotonic(), threading.Event()
    talk = threading.Thread(target=_tick_while_compiling, args=(begin, done), daemon=True)
    sys.stderr.write("Compiling the kernels: once per machine and version, about half a minute ...\n")
    talk.start()
    try:
        yield
    finally:
        done.set()
        talk.join()
    sys.stderr.write(f"{_return(sys.stderr)}Compiled in {time.monotonic() - begin:.0f} s; later starts take about a second.\n")
    _warm_stamp().touch()


def _tick_while_compiling(begin: float, done: threading.Event) -> None:
    while not done.wait(1.0):
        if sys.stderr.isatty():
            sys.stderr.write(f"\r  {time.monotonic() - begin:.0f} s")
            sys.stderr.flush()


def _return(stream: object) -> str:
    return "\r" if getattr(stream, "isatty", bool)() else ""
