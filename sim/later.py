"""Modules that are read when something of them is first used.

A market is a Mesa model, and Mesa imports pandas with PyArrow, SciPy and networkx, whether or not a program draws a
grid or makes a table: half a second and 100 MB of each process, workers of a sweep among them. Here such an import
gives the module empty; the first look for a name that it has not got yet reads its file, and from then on it is an
ordinary module.

``importlib.util.LazyLoader`` does not do: with it the second ``import`` of a module reads the file, because import
looks at ``__spec__`` and it answers any look so.
"""

import sys
import threading
from collections.abc import Iterable, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

POSTPONED = (
    "asyncio", "mesa.discrete_space", "mesa.experimental.continuous_space", "mesa.experimental.devs",
    "mesa.experimental.meta_agents", "mesa.space", "networkx", "pandas", "scipy.spatial", "sqlite3",
)  # fmt: skip
"""What Mesa imports and a market has no use for."""

STOOD_FOR = ("scipy.linalg.cython_blas", "scipy.linalg.cython_lapack")
"""What Numba imports to know whether it is there; all of ``scipy.linalg`` would come with it."""

CYTHON_API = "__pyx_capi__"  # where compiled code finds the functions of a Cython module


class Later(ModuleType):
    """A module whose file has not been read yet."""

    def __getattr__(self, name: str) -> Any:
        """Read the file, unless this is the reading."""
        spec = object.__getattribute__(self, "__spec__")
        pending: _Pending = spec.loader_state
        with pending.lock:
            if pending.reading:
                raise AttributeError(f"module {spec.name!r} has no attribute {name!r} yet")
            if type(self) is Later:
                self._read(spec, pending)
        return getattr(self, name)

    def _read(self, spec: ModuleSpec, pending: "_Pending") -> None:
        pending.reading = True
        try:
            if spec.submodule_search_locations is not None:
                self.__path__ = spec.submodule_search_locations
            pending.loader.exec_module(self)
        except BaseException:
            self.__dict__.pop("__path__", None)  # to be tried again by the next look
            raise
        finally:
            pending.reading = False
        self.__class__ = ModuleType  # type: ignore[assignment]  # as the standard library's lazy module does


class _Pending(Loader):
    """Loader that leaves the reading to ``Later``, and what that needs to know."""

    def __init__(self, loader: Loader) -> None:
        self.loader, self.lock, self.reading = loader, threading.RLock(), False

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As the module's own loader makes it."""
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Leave the module empty. A package has no path until it is read, so that import of a part of it, which asks
        the package for it, reads the package first.
        """
        spec = module.__spec__
        assert spec is not None
        spec.loader, spec.loader_state, module.__loader__ = self.loader, self, self.loader
        module.__dict__.pop("__path__", None)
        module.__class__ = Later


class StandIn(ModuleType):
    """In the place of a part of a package, without its package: the first look for a name imports both.

    It says that the part is there, which is true of every installation of what it stands for: where the package itself
    is absent, import of the part fails at the package.
    """

    def __getattr__(self, name: str) -> Any:
        """Give way to the module itself, unless somebody only looks at what modules there are."""
        if name.startswith("__") and name != CYTHON_API:
            raise AttributeError(f"module {self.__name__!r} has not been read and has no {name!r} yet")
        if sys.modules.get(self.__name__) is self:
            sys.modules.pop(self.__name__, None)
        return getattr(import_module(self.__name__), name)


class _Finder(MetaPathFinder):
    """Finds the modules to postpone, where Python finds modules on its path."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = frozenset(names)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Spec of a module that is to be read later; None leaves it to the other finders."""
        if fullname not in self.names:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Pending(spec.loader)
        return spec


def postpone(names: Iterable[str] = POSTPONED, parts: Iterable[str] = STOOD_FOR) -> None:
    """Read these modules, and these parts of packages, when they are first used. Those that are imported already stay
    as they are.
    """
    sys.meta_path.insert(0, _Finder(names))
    for part in parts:
        if part.rpartition(".")[0] not in sys.modules:
            sys.modules.setdefault(part, StandIn(part))
