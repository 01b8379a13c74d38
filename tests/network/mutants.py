"""Every small change of the compiled code that couples listings, one at a time, held against the twins and the storm.

    NUMBA_DISABLE_JIT=1 python -m tests.network.mutants [module ...] [--every N] [--from K]

A mutant turns one comparison, sum, product, minimum, condition or constant around, or leaves one statement out. Printed
are those that nothing found, and how many were found. Runs as plain Python, a process for each mutant.
"""

import argparse
import ast
import copy
import importlib.util
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

from tests.network.mutant_checks import CHECKS

MODULES = (
    "sim.kernels.references", "sim.kernels.fund_levels", "sim.kernels.transit", "sim.kernels.price_moves",
    "sim.kernels.portfolios", "sim.kernels.rounds", "sim.behaviours.bridge",
)  # fmt: skip
LIMIT_S = 120  # a mutant that runs longer does not end
COMPARES = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}
SUMS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult,
        ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd}  # fmt: skip
NAMES = {"ZERO": "ONE", "ONE": "ZERO", "TWO": "ONE", "min": "max", "max": "min", "BUY": "SELL", "SELL": "BUY",
         "CASH": "COINS", "COINS": "CASH", "PERP": "SPOT", "SPOT": "PERP", "math.ceil": "math.floor"}  # fmt: skip


def changes(node: ast.AST) -> Iterator[Callable[[Any], None]]:
    """What may be done to one node, each as a function that does it to a copy."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARES:
        yield lambda n: n.ops.__setitem__(0, COMPARES[type(n.ops[0])]())
    if isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in SUMS:
        yield lambda n: setattr(n, "op", SUMS[type(n.op)]())
    if isinstance(node, ast.BoolOp):
        yield lambda n: setattr(n, "op", ast.Or() if isinstance(n.op, ast.And) else ast.And())
    if isinstance(node, ast.Name) and node.id in NAMES and isinstance(node.ctx, ast.Load):
        yield lambda n: setattr(n, "id", NAMES[n.id])
    if isinstance(node, ast.Attribute) and node.attr in ("ceil", "floor"):
        yield lambda n: setattr(n, "attr", "floor" if n.attr == "ceil" else "ceil")
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield lambda n: setattr(n, "value", not n.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield lambda n: setattr(n, "value", n.value * 2 + 1)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
        yield lambda n: setattr(n, "operand", ast.UnaryOp(n.op, n.operand))
    for name, body in ast.iter_fields(node):
        if name in ("body", "orelse") and isinstance(body, list):
            for i, statement in enumerate(body):
                if is_act(statement):
                    yield lambda n, name=name, i=i: getattr(n, name).__setitem__(i, ast.Pass())


def is_act(statement: ast.stmt) -> bool:
    """Whether a statement does something that could be left out: no plain name is bound by it."""
    if isinstance(statement, ast.Assign):
        return not any(isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) for n in ast.walk(statement))
    is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return isinstance(statement, ast.AugAssign | ast.Continue | ast.Expr) and not is_text


def mutants(tree: ast.Module) -> Iterator[tuple[str, ast.Module]]:
    """Each mutant of a module's functions: what it is, and its tree."""
    for at, function in enumerate(tree.body):
        if not isinstance(function, ast.FunctionDef):
            continue
        for k, node in enumerate(ast.walk(function)):
            if isinstance(node, ast.arguments):
                continue
            for change, _ in enumerate(changes(node)):
                whole = copy.deepcopy(tree)
                one = next(n for i, n in enumerate(ast.walk(whole.body[at])) if i == k)
                list(changes(one))[change](one)
                line = getattr(node, "lineno", function.lineno)
                yield f"{function.name}:{line}: {told(node, one)}", ast.fix_missing_locations(whole)


def told(before: ast.AST, after: ast.AST) -> str:
    """The changed line of a node, before and after."""
    pairs = zip(*(ast.unparse(ast.fix_missing_locations(n)).splitlines() for n in (before, after)), strict=False)
    one, other = next(((a, b) for a, b in pairs if a != b), ("?", "?"))
    return f"{one.strip()[:90]}  ->  {other.strip()[:90]}"


def plant(module: str, function: str, source: str) -> None:
    """Give a function the code that a changed source of its module has. Without the JIT it is a plain function, which
    everybody who imported it holds.
    """
    here = vars(sys.modules[module])
    changed = dict(here)
    exec(compile(source, module, "exec"), changed)
    here[function].__code__ = changed[function].__code__


def found(module: str) -> str:
    """Name of the first check of a module that does not hold; nothing when all do."""
    for check in CHECKS[module]:
        try:
            check()
        except Exception as wrong:
            return f"{check.__name__} ({type(wrong).__name__})"
    return ""


def try_out(module: str, function: str, source: str) -> str:
    """``found`` for a changed module, in a process of its own."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(LIMIT_S)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            plant(module, function, source)
            said = found(module)
        except Exception as wrong:
            said = f"import ({type(wrong).__name__})"
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        said = pipe.read()
    status = os.waitpid(child, 0)[1]
    return said if status == 0 else "no end"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", default=MODULES)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--start", type=int, default=0)
    asked = parser.parse_args()
    for module in asked.modules:
        spec = importlib.util.find_spec(module)
        assert spec is not None and spec.loader is not None
        tree = ast.parse(spec.loader.get_source(module))  # type: ignore[attr-defined]
        assert found(module) == "", "something is found in the module as it stands"
        n = killed = 0
        for what, changed in list(mutants(tree))[asked.start :: asked.every]:
            n += 1
            said = try_out(module, what.split(":")[0], ast.unparse(changed))
            killed += bool(said)
            if not said:
                print(f"survives {module.split('.')[-1]}.{what}", flush=True)
        print(f"{module}: {killed} of {n} mutants found", flush=True)


if __name__ == "__main__":
    main()
