"""The one place of compiler flags, and of LLVM intrinsics with their Python fallback.

``small`` marks helpers and the core calls ``submit``/``cancel``: forced inline, free at the call site. ``behaviour``
marks a function with several callers, or one that is seldom called. ``inlined`` marks one that is a function for its
reader alone. ``entry`` marks what Python calls. With ``NUMBA_DISABLE_JIT=1`` all return the plain function, so the same
source runs interpreted. ``SHOAL_KEEP_WRAPPERS=1`` keeps inner functions callable from Python (tests).
"""

import os
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import numba
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

F = TypeVar("F", bound=Callable[..., Any])

JIT_OFF = bool(numba.config.DISABLE_JIT)  # type: ignore[attr-defined]
KEEP_WRAPPERS = os.environ.get("SHOAL_KEEP_WRAPPERS") == "1"

_ENTRY: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}
_INNER: dict[str, Any] = dict(_ENTRY)
if not KEEP_WRAPPERS:
    _INNER |= {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}

if JIT_OFF:  # u64 arithmetic wraps by design (Philox, bitmap words); NumPy scalars warn about it
    warnings.filterwarnings("ignore", message="overflow encountered", category=RuntimeWarning)


def small(function: F) -> F:
    """Compile a helper that is forced inline into its callers."""
    return function if JIT_OFF else njit(forceinline=True, **_INNER)(function)


def behaviour(function: F) -> F:
    """Compile a function called about once a tick; not callable from Python."""
    return function if JIT_OFF else njit(**_INNER)(function)


def inlined(function: F) -> F:
    """Write a function into its callers before types are known: it has no machine code of its own, and the code that it
    calls is optimised one time less. For what has one caller, or a few lines: a call hands on the books' and the
    ledger's arrays by value, some 200 words, and those of a tick were a tenth of its time.
    """
    return function if JIT_OFF else njit(inline="always", **_INNER)(function)


def entry(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function that Python calls."""
    return function if JIT_OFF else njit(**_ENTRY)(function)


if JIT_OFF:

    def trailing_zeros(word: Any) -> Any:
        """Index of the lowest set bit of a non-zero uint64."""
        value = int(word)
        return (value & -value).bit_length() - 1

else:

    @intrinsic
    def _cttz(typingctx: Any, word: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.cttz(args[0], context.get_constant(types.boolean, True))

        return types.int64(types.uint64), codegen

    @njit(forceinline=True, **_INNER)
    def trailing_zeros(word: Any) -> Any:
        """Index of the lowest set bit of a non-zero uint64."""
        return _cttz(word)  # type: ignore[call-arg]


if JIT_OFF:

    def prefetch(array: Any, index: Any) -> None:
        """Hint that element ``index`` of an array is needed soon; nothing without the JIT."""

else:

    @intrinsic
    def _prefetch(typingctx: Any, array: Any, index: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            view = context.make_array(signature.args[0])(context, builder, args[0])
            i8p, i32 = ir.IntType(8).as_pointer(), ir.IntType(32)
            row = builder.bitcast(builder.gep(view.data, [args[1]]), i8p)
            hint = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(ir.VoidType(), [i8p, i32, i32, i32]), "llvm.prefetch.p0"
            )
            builder.call(hint, [row, i32(0), i32(3), i32(1)])
            return context.get_dummy_value()

        return types.void(array, types.int64), codegen

    @njit(forceinline=True, **_INNER)
    def prefetch(array: Any, index: Any) -> None:
        """Hint that element ``index`` (counted through all dimensions) of an array is needed soon; it must exist."""
        _prefetch(array, index)  # type: ignore[call-arg]


def address_of(function: Any, arguments: tuple[Any, ...]) -> int:
    """Address of the machine code of a compiled entry for arguments of these types."""
    types_of = tuple(numba.typeof(argument) for argument in arguments)
    function.compile(types_of)
    compiled = function.overloads[types_of]
    return int(compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name))


MOST_WORDS = 546  # machine words that a compiled entry may take as arguments

if JIT_OFF:

    def call_entry(function: Any, arguments: Any) -> Any:
        """Call a function with its arguments: what the other does at an address with machine words."""
        result = function(*arguments)
        return 0 if result is None else result

else:

    @intrinsic
    def call_entry(typingctx: Any, address: Any, words: Any) -> Any:
        """Call the machine code at ``address``, an entry that returns an int64 or nothing, with ``words``
        int64[MOST_WORDS]: its arguments as Numba lays them out (``words_of`` in sim/network/rounds.py), and zeros that
        it never reads. Returns what it returns (0 for nothing), or -1 when it raised.
        """

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            i64, i32, i8p = ir.IntType(64), ir.IntType(32), ir.IntType(8).as_pointer()
            row = context.make_array(signature.args[1])(context, builder, args[1]).data
            out = cgutils.alloca_once(builder, i64)
            error = cgutils.alloca_once(builder, i8p)
            kind = ir.FunctionType(i32, [i64.as_pointer(), i8p.as_pointer()] + [i64] * MOST_WORDS)
            function = builder.inttoptr(args[0], kind.as_pointer())
            given = [builder.load(builder.gep(row, [i64(k)])) for k in range(MOST_WORDS)]
            status = builder.call(function, [out, error, *given])
            return builder.select(builder.icmp_signed("==", status, i32(0)), builder.load(out), i64(-1))

        return types.int64(types.int64, words), codegen
