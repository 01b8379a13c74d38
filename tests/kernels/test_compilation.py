"""What keeps the cold start short: one compiled copy of each function and kind of array."""

import json
import subprocess
import sys

import pytest

from sim.kernels import _jit

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
