"""Modules that are read when they are first used (sim/later.py)."""

import subprocess
import sys
from pathlib import Path

import pytest

from sim.later import POSTPONED, STOOD_FOR

READ = (
    "asyncio.events", "mesa.discrete_space.grid", "networkx.classes", "pandas.core", "pyarrow", "scipy.linalg",
    "scipy.spatial._kdtree", "sqlite3.dbapi2",
)  # fmt: skip
"""A part of each that is there once it has been read."""


def said(code: str, *places: Path) -> str:
    """What a fresh process prints."""
    path = f"import sys; sys.path[:0] = {[str(place) for place in places]!r}\n"
    done = subprocess.run([sys.executable, "-c", path + code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_market_runs_without_what_mesa_imports_and_the_tables_need():
    code = f"""
import sim
market = sim.load("calm_btc", set={{"duration": "2s", "leveraged.accounts": 100, "shocks": []}}).market()
market.run()
import pandas  # the second import and those after do not read it either
print([name for name in {READ!r} if name in sys.modules])
print(market.collect().series.dtype.names[0], pandas.DataFrame({{"a": [1]}}).shape, "pandas.core" in sys.modules)
"""
    assert said(code) == "[]\ntime_us (1, 1) True\n"


@pytest.mark.parametrize(
    "use",
    [
        "from pandas.api.types import is_bool_dtype as it",  # a part, before the package
        "import pandas.testing as it",
        "from mesa.discrete_space import OrthogonalMooreGrid as it",
        "from mesa.space import MultiGrid as it",
        "import mesa; it = mesa.experimental.devs.ABMSimulator",
        "from scipy.spatial import KDTree as it",
        "from scipy.spatial.distance import cdist as it",
        "import networkx; it = networkx.Graph",
        "import asyncio; it = asyncio.run(asyncio.sleep(0, 1))",
        "from asyncio.events import get_event_loop_policy as it",
        "import sqlite3; it = sqlite3.connect(':memory:')",
        "import scipy.linalg.cython_blas as it",
        "from scipy.linalg.cython_blas import __pyx_capi__ as it",
        "import scipy.linalg; from scipy.linalg import cython_lapack as it",
        "import scipy.linalg; it = scipy.linalg.solve",
        "from scipy.linalg.blas import dgemm as it",
        "import scipy.linalg, scipy.linalg.cython_lapack; it = scipy.linalg.cython_lapack.__pyx_capi__['dgesv']",
        "import importlib, pandas; it = importlib.reload(pandas)",
        "import pickle, pandas; it = pickle.loads(pickle.dumps(pandas.DataFrame({'a': [1]})))",
    ],
)
def test_any_way_to_use_one_reads_it(use: str):
    assert said(f"import sim, sim.market\n{use}\nprint(it is not None)") == "True\n"


def test_one_that_is_imported_already_stays_as_it_is():
    assert said("import pandas\nhas = pandas.DataFrame\nimport sim, pandas\nprint(pandas.DataFrame is has)") == "True\n"


def test_a_read_module_is_an_ordinary_one():
    code = """
import sim, pandas, types
before = type(pandas).__name__
pandas.DataFrame
spec = pandas.__spec__
print(before, type(pandas) is types.ModuleType, spec.loader is pandas.__loader__, type(spec.loader).__name__)
print(list(pandas.__path__) == list(spec.submodule_search_locations))
try:
    pandas.no_such_name
except AttributeError as error:
    print(error)
"""
    lines = said(code).splitlines()
    assert lines[0] == "Later True True SourceFileLoader"
    assert lines[1] == "True"
    assert "no_such_name" in lines[2]


def test_names_are_those_of_modules():
    assert said(f"import importlib, mesa\nfor name in {POSTPONED + STOOD_FOR!r}: importlib.import_module(name)") == ""


def test_threads_that_use_one_at_once_wait_for_it(tmp_path: Path):
    (tmp_path / "slowly.py").write_text("import time\ntime.sleep(0.3)\nvalue = 7\n")
    code = """
from concurrent.futures import ThreadPoolExecutor
from sim.later import postpone
postpone(["slowly"])
import slowly
with ThreadPoolExecutor(8) as pool:
    print(list(pool.map(lambda _: slowly.value, range(8))))
"""
    assert said(code, tmp_path) == "[7, 7, 7, 7, 7, 7, 7, 7]\n"


def test_a_module_that_asks_for_its_own_names_while_it_is_read(tmp_path: Path):
    (tmp_path / "selfish.py").write_text("import selfish\nhad = hasattr(selfish, 'later')\nlater = 1\n")
    code = "from sim.later import postpone\npostpone(['selfish'])\nimport selfish\nprint(selfish.later, selfish.had)"
    assert said(code, tmp_path) == "1 False\n"


def test_what_went_wrong_is_said_at_each_use_and_the_next_tries_again(tmp_path: Path):
    package = tmp_path / "broken"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import os\nif not os.environ.get('MENDED'): raise OSError('no disk')\nx = 5\n"
    )
    (package / "part.py").write_text("y = 6\n")
    code = """
import os
from sim.later import postpone
postpone(["broken"])
import broken
for _ in range(2):
    try:
        broken.x
    except OSError as error:
        print(error)
try:
    import broken.part
except OSError as error:
    print(error)
os.environ["MENDED"] = "1"
import broken.part
print(broken.x, broken.part.y)
"""
    assert said(code, tmp_path) == "no disk\nno disk\nno disk\n5 6\n"


def test_a_users_own_kernel_may_multiply_matrices():
    """Numba looks for SciPy's linear algebra once, when it compiles or loads the first function."""
    code = f"""
import sim.market, sys
import numba, numpy
numba.njit(lambda x: x + 1)(1)
stood_for = [type(sys.modules[name]).__name__ for name in {STOOD_FOR!r}]
two = numba.njit(lambda a: numpy.dot(a, numpy.linalg.inv(a)))(2.0 * numpy.eye(2))
print(stood_for, two.tolist(), [type(sys.modules[name]).__name__ for name in {STOOD_FOR!r}])
"""
    stood = "['StandIn', 'StandIn'] [[1.0, 0.0], [0.0, 1.0]] ['module', 'module']"
    assert said(code) == stood + "\n"


def test_a_look_at_all_modules_reads_nothing():
    code = f"""
import sim.market, sys
files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
print([name for name in {STOOD_FOR!r} if type(sys.modules[name]).__name__ != "StandIn"], "scipy.linalg" in sys.modules)
"""
    assert said(code) == "[] False\n"


def test_linear_algebra_that_is_imported_already_stays_as_it_is():
    code = """
import scipy.linalg.cython_blas, sys
before = sys.modules["scipy.linalg.cython_blas"]
import sim
print(sys.modules["scipy.linalg.cython_blas"] is before, hasattr(before, "__pyx_capi__"))
"""
    assert said(code) == "True True\n"


def test_one_that_is_not_there_is_missed_at_its_import():
    code = """
from sim.later import postpone
postpone(["no_such_module"])
try:
    import no_such_module
except ModuleNotFoundError as error:
    print(error.name)
"""
    assert said(code) == "no_such_module\n"
