"""What keeps the cold start short: one compiled copy of each function."""

import sys

import pytest

from sim.kernels import _jit


@pytest.mark.skipif(_jit.JIT_OFF, reason="nothing is compiled with the JIT off")
def test_every_function_is_compiled_once() -> None:
    """A Python literal handed to a compiled function would make a copy of it for each value."""
    from sim.engine import MatchingEngine

    engine = MatchingEngine()
    engine.limit("buy", 1, 1)
    engine.check()
    copies = {}
    for name, module in list(sys.modules.items()):
        if name.startswith("sim."):
            for function in vars(module).values():
                if hasattr(function, "signatures") and function.__module__ == name:
                    copies[f"{name}.{function.__name__}"] = len(function.signatures)
    assert copies
    many = {name: n for name, n in copies.items() if n > 1}
    assert many == {}, "compiled more than once: is a plain int among the arguments?"
