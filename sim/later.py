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
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

POSTPONED = (
    "mesa.discrete_space", "mesa.experimental.continuous_space", "mesa.experimental.devs",
    "mesa.experimental.meta_agents", "mesa.space", "networkx", "pandas", "scipy.spatial",
)  # fmt: skip
"""What Mesa imports and a market has no use for."""


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


def postpone(names: Iterable[str] = POSTPONED) -> None:
    """Read these modules when they are first used. Modules that are imported already stay as they are."""
    sys.meta_path.insert(0, _Finder(names))
