"""The one place of compiler flags, and of LLVM intrinsics with their Python fallback.

``small`` marks helpers and the core calls ``submit``/``cancel``: forced inline, free at the call site. ``behaviour``
marks a function with several callers, or one that is seldom called. ``inlined`` marks one that is a function for its
reader alone. ``entry`` marks what Python calls. With ``NUMBA_DISABLE_JIT=1`` all return the plain function, so the same
source runs interpreted. ``SHOAL_KEEP_WRAPPERS=1`` keeps inner functions callable from Python (tests).
"""

import array
import operator
import os
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import numba
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import NativeValue, intrinsic, models, register_model, typeof_impl, unbox
from numba.np.arrayobj import populate_array

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


class Packed:
    """Arrays that an entry takes as one word: the address of a table with the address and the shape of each.

    Numba hands an array on as five words and two a dimension: 546 for a tick, copied for each call. Of the table a tick
    reads what it needs. The arrays are kept alive.

    Raises
    ------
    ValueError
        When an array is not C-contiguous: its strides are not in the table.
    """

    def __init__(self, arrays: tuple[Any, ...]) -> None:
        if not all(one.flags.c_contiguous for one in arrays):
            raise ValueError("an array handed to an entry has gaps; pass a contiguous copy")
        self.arrays = arrays
        self._words = array.array("q", [word for one in arrays for word in (one.ctypes.data, *one.shape)])
        self.address = self._words.buffer_info()[0]

    def __reduce__(self) -> Any:  # a copy has a table of its own arrays
        return Packed, (self.arrays,)

    def holds(self, arrays: tuple[Any, ...]) -> bool:
        """Whether these are the very arrays in it."""
        return len(arrays) == len(self.arrays) and all(map(operator.is_, arrays, self.arrays))


if JIT_OFF:

    def unpacked(packed: Any) -> Any:
        """The arrays of a ``Packed``."""
        return packed.arrays

    def call_entry(function: Any, arguments: Any) -> Any:
        """Call a function with its arguments: what the compiled one does at an address."""
        result = function(*arguments)
        return 0 if result is None else result

else:

    class PackedType(types.Type):
        """What Numba knows of a ``Packed``: the types of its arrays."""

        def __init__(self, of: tuple[types.Array, ...]) -> None:
            self.of = of
            super().__init__(name=f"Packed({', '.join(map(str, of))})")

    @register_model(PackedType)
    class PackedModel(models.PrimitiveModel):
        """An address, as an integer."""

        def __init__(self, manager: Any, kind: PackedType) -> None:
            super().__init__(manager, kind, ir.IntType(64))

    @typeof_impl.register(Packed)
    def _typeof_packed(packed: Packed, context: Any) -> PackedType:
        return PackedType(tuple(map(numba.typeof, packed.arrays)))

    @unbox(PackedType)
    def _unbox_packed(kind: PackedType, packed: Any, c: Any) -> NativeValue:
        address = c.pyapi.object_getattr_string(packed, "address")
        word = c.pyapi.long_as_longlong(address)
        c.pyapi.decref(address)
        return NativeValue(word, is_error=cgutils.is_not_null(c.builder, c.pyapi.err_occurred()))

    @intrinsic
    def unpacked(typingctx: Any, packed: Any) -> Any:
        """The arrays of a ``Packed``."""

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            i64 = ir.IntType(64)
            table, at, out = builder.inttoptr(args[0], i64.as_pointer()), 0, []
            for kind in packed.of:
                words = [builder.load(builder.gep(table, [i64(at + k)])) for k in range(1 + kind.ndim)]
                for word in words:  # nothing writes to a table while an entry runs
                    word.set_metadata("invariant.load", builder.module.add_metadata([]))
                at += len(words)
                size = context.get_abi_sizeof(context.get_data_type(kind.dtype))
                strides = [i64(size)]
                for length in words[:1:-1]:
                    strides.insert(0, builder.mul(strides[0], length))
                made = context.make_array(kind)(context, builder)
                data = builder.inttoptr(words[0], made.data.type)
                populate_array(made, data, words[1:], strides, i64(size), None)
                out.append(made._getvalue())
            return context.make_tuple(builder, signature.return_type, out)

        return types.Tuple(packed.of)(packed), codegen

    @intrinsic
    def call_entry(typingctx: Any, address: Any, words: Any) -> Any:
        """Call the machine code at ``address``, an entry that returns an int64 or nothing, with a tuple of int64: its
        integers, and addresses of its ``Packed``. Returns what it returns (0 for nothing), or -1 when it raised.
        """

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            i64, i32, i8p = ir.IntType(64), ir.IntType(32), ir.IntType(8).as_pointer()
            given = cgutils.unpack_tuple(builder, args[1])
            out = cgutils.alloca_once(builder, i64)
            error = cgutils.alloca_once(builder, i8p)
            kind = ir.FunctionType(i32, [i64.as_pointer(), i8p.as_pointer()] + [i64] * len(given))
            function = builder.inttoptr(args[0], kind.as_pointer())
            status = builder.call(function, [out, error, *given])
            return builder.select(builder.icmp_signed("==", status, i32(0)), builder.load(out), i64(-1))

        return types.int64(types.int64, words), codegen
