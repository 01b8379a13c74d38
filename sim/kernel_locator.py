"""Numba's way to the kernel cache (``sim.kernel_cache``): named in ``NUMBA_CACHE_LOCATOR_CLASSES``, imported by Numba itself."""

from pathlib import Path
from typing import Any

from numba.core.caching import UserProvidedCacheLocator

from sim.kernel_cache import PACKAGE, cache_dir, project_imports, source_stamp


class KernelLocator(UserProvidedCacheLocator):  # type: ignore[misc]
    """Caches functions of the project, and of files that use it, under a stamp of all the source they can reach."""

    def __init__(self, py_func: Any, py_file: str) -> None:
        self._py_file = py_file
        self._lineno = py_func.__code__.co_firstlineno
        self._cache_path = str(cache_dir() / self.get_suitable_cache_subpath(py_file))

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> "KernelLocator | None":
        """A locator for ``py_func``, or None where another has to serve (a file that has nothing to do with the project)."""
        path = Path(py_file).resolve()
        if not path.is_file() or not (path.is_relative_to(PACKAGE) or project_imports(path)):
            return None
        self = cls(py_func, py_file)
        self.ensure_cache_path()
        return self

    def get_source_stamp(self) -> str:
        """Hash of the function's file and of every project file that it imports."""
        return source_stamp(Path(self._py_file).resolve())
