"""What no file of the project may do, read off the syntax tree."""

import ast
import inspect
from pathlib import Path

import pytest

import sim
from tests.shell.files import ROOT, name_of, python_files

LIBRARY = python_files("sim", "calibration")
UNSAFE_MODULES = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
UNSAFE_NAMES = {"eval", "exec", "compile", "__import__"}
UNSAFE_METHODS = {
    ("yaml", "load"),
    ("yaml", "full_load"),
    ("yaml", "unsafe_load"),
    ("pd", "read_pickle"),
    ("pandas", "read_pickle"),
    ("os", "system"),
    ("os", "popen"),
}
UNSAFE_FLAGS = {"allow_pickle", "shell"}


def imported(tree: ast.AST) -> set[str]:
    """Top-level names of all modules that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def unsafe_calls(tree: ast.AST) -> list[str]:
    """Calls by which the content of a file could become code."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        call = node.func
        if isinstance(call, ast.Name) and call.id in UNSAFE_NAMES:
            found.append(f"line {node.lineno}: {call.id}")
        if isinstance(call, ast.Attribute) and isinstance(call.value, ast.Name):
            if (call.value.id, call.attr) in UNSAFE_METHODS:
                found.append(f"line {node.lineno}: {call.value.id}.{call.attr}")
        for flag in node.keywords:
            is_off = isinstance(flag.value, ast.Constant) and flag.value.value is False
            if flag.arg in UNSAFE_FLAGS and not is_off:
                found.append(f"line {node.lineno}: {flag.arg}")
    return found


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def test_there_is_something_to_look_at():
    assert len(LIBRARY) > 40


@pytest.mark.parametrize(
    "text", ["eval('1')", "yaml.load(f)", "np.load(f, allow_pickle=True)", "run(x, shell=flag)", "pd.read_pickle(f)"]
)
def test_the_check_sees_what_it_is_for(text: str):
    assert unsafe_calls(ast.parse(text))


@pytest.mark.parametrize("text", ["model.load(f)", "np.load(f, allow_pickle=False)", "re.compile('a')"])
def test_the_check_lets_harmless_calls_pass(text: str):
    assert not unsafe_calls(ast.parse(text))


def test_no_file_of_a_user_can_become_code():
    found = [f"{name_of(p)} {line}" for p in LIBRARY for line in unsafe_calls(tree_of(p))]
    found += [f"{name_of(p)} imports {m}" for p in LIBRARY for m in sorted(imported(tree_of(p)) & UNSAFE_MODULES)]
    assert found == []


def test_mesa_is_seen_in_the_market_and_in_agents_alone():
    found = {name_of(p) for p in python_files("sim") if "mesa" in imported(tree_of(p))}
    assert {name for name in found if name != "sim/market.py" and not name.startswith("sim/agents/")} == set()


def test_numba_is_imported_in_two_places():
    found = {name_of(p) for p in python_files("sim") if imported(tree_of(p)) & {"numba", "llvmlite"}}
    assert found == {"sim/kernels/_jit.py", "sim/kernel_locator.py"}


def test_random_numbers_come_from_the_projects_own_streams():
    compiled = [p for p in python_files("sim") if p.parent.name in ("kernels", "behaviours") or p.name == "tick.py"]
    drawn = [
        name_of(p)
        for p in compiled
        for node in ast.walk(tree_of(p))
        if isinstance(node, ast.Attribute) and node.attr == "random"
    ]
    assert drawn == [] and not [name_of(p) for p in python_files("sim") if "random" in imported(tree_of(p))]


def test_files_are_short():
    long = {name_of(p): n for p in python_files("sim") if (n := len(p.read_text(encoding="utf-8").splitlines())) > 400}
    assert long == {}


@pytest.mark.parametrize("name", sorted(set(sim.__all__) - {"__version__"}))
def test_public_names_say_what_they_are(name: str):
    thing = getattr(sim, name)
    assert inspect.getdoc(thing)
    members = vars(thing).items() if inspect.isclass(thing) else []
    for key, member in members:
        function = member.fget if isinstance(member, property) else member
        if not key.startswith("_") and (inspect.isfunction(function) or isinstance(member, property)):
            assert inspect.getdoc(function), f"{name}.{key} has no docstring"


def test_the_package_knows_its_names():
    assert set(dir(sim)) == set(sim.__all__)
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        sim.lode  # noqa: B018


def test_the_version_is_said_once():
    for name in ("CITATION.cff", "CHANGELOG.md"):
        assert (ROOT / name).is_file()
    assert f"version: {sim.__version__}\n" in (ROOT / "CITATION.cff").read_text()
