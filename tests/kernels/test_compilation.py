"""What keeps the cold start short: one compiled copy of each function and kind of array."""

import ast
import json
import subprocess
import sys
from collections import Counter

import pytest

from sim.kernel_cache import compiled_sources
from sim.kernels import _jit

FEW_LINES = 8  # of a function that may be written into several callers

# In a process of its own, so that what other tests compiled does not count.
COUNT = """
import json, sys
from collections import Counter
from numba.core import types
from sim.engine import MatchingEngine
from sim.runner import warm
engine = MatchingEngine()
engine.limit("buy", 1, 1)
engine.check()
warm()
copies = {}
for name, module in list(sys.modules.items()):
    if name.startswith("sim."):
        for function in vars(module).values():
            if hasattr(function, "signatures") and function.__module__ == name:
                arrays = [tuple(t for t in one if not isinstance(t, types.Integer)) for one in function.signatures]
                copies[f"{name}.{function.__name__}"] = max(Counter(arrays).values(), default=0)
print(json.dumps(copies))
"""


@pytest.mark.skipif(_jit.JIT_OFF, reason="nothing is compiled with the JIT off")
def test_every_function_is_compiled_once() -> None:
    """A Python literal handed to a compiled function would make a copy of it for each value."""
    out = subprocess.run([sys.executable, "-c", COUNT], check=True, capture_output=True, text=True).stdout
    copies = json.loads(out.splitlines()[-1])
    assert "sim.tick.advance" in copies
    many = {name: n for name, n in copies.items() if n > 1}
    assert many == {}, "compiled more than once: is a plain int among the arguments?"


def test_what_is_written_into_its_callers_has_one_or_is_short() -> None:
    """A large function with many callers would be typed and optimised as often as it is called."""
    calls: Counter[str] = Counter()
    lines: dict[str, int] = {}
    for path in compiled_sources():
        tree = ast.parse(path.read_text())
        names = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
        calls.update(name.id for name in names if isinstance(name, ast.Name))
        for node in tree.body:
            marks = [m.id for m in getattr(node, "decorator_list", []) if isinstance(m, ast.Name)]
            if isinstance(node, ast.FunctionDef) and "inlined" in marks:
                first = node.body[1] if len(node.body) > 1 else node.body[0]  # after the docstring
                lines[node.name] = node.body[-1].end_lineno - first.lineno + 1  # type: ignore[operator]
    assert len(lines) > 50
    assert {name for name, n in lines.items() if calls[name] > 1 and n > FEW_LINES} == set()
