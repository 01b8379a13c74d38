"""Numba's way to ``sim.kernel_cache``: named in ``NUMBA_CACHE_LOCATOR_CLASSES`` and imported by Numba itself."""

from functools import cache
from pathlib import Path
from typing import Any

from numba.core.caching import UserProvidedCacheLocator

from sim.kernel_cache import PACKAGE, cache_dir, project_imports, source_stamp


class KernelLocator(UserProvidedCacheLocator):
    """Caches functions of the project, and of files that use it, under a stamp of all the source they can reach."""

    def __init__(self, py_func: Any, py_file: str) -> None:
        self._py_file = py_file
        self._lineno = py_func.__code__.co_firstlineno
        self._cache_path = str(cache_dir() / str(self.get_suitable_cache_subpath(py_file)))  # type: ignore[no-untyped-call]

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> "KernelLocator | None":
        """Find a locator for a function.

        Parameters
        ----------
        py_func : function
            To be cached.
        py_file : str
            Where it is written.

        Returns
        -------
        KernelLocator or None
            None where one of Numba's own has to serve: a file that has nothing to do with the project.
        """
        if not _uses_project(_resolved(py_file)):
            return None
        locator = cls(py_func, py_file)
        _make_once(locator._cache_path)
        return locator

    def get_source_stamp(self) -> str:
        """Hash of the function's file and of every project file that it imports."""
        return source_stamp(_resolved(self._py_file))


def drop_bitcode(function: Any) -> None:
    """Free the intermediate code of an entry, which Numba keeps beside the machine code that it takes from the cache:
    compiled code would need it to call the entry, and only Python calls entries, or machine code by their address.

    The attribute is private to Numba; tests/network/test_memory.py pins that it exists. A plain function has none.
    """
    for compiled in getattr(function, "overloads", {}).values():
        compiled.library._shared_module = None


def _uses_project(path: Path) -> bool:
    if path.is_relative_to(PACKAGE):
        return True
    return path.is_file() and any(file.is_relative_to(PACKAGE) for file in project_imports(path))


@cache
def _resolved(py_file: str) -> Path:
    return Path(py_file).resolve()


@cache
def _make_once(folder: str) -> None:
    """Make a folder of the cache; ``cache_dir`` has seen that it can be written."""
    Path(folder).mkdir(parents=True, exist_ok=True)
