"""The one place of compiler flags, and of LLVM intrinsics with their Python fallback.

``small`` marks helpers and the core calls ``submit``/``cancel``: forced inline, free at the call site. ``behaviour``
marks a function with several callers, or one that is seldom called. ``inlined`` marks one that is a function for its
reader alone. ``entry`` marks what Python calls. With ``NUMBA_DISABLE_JIT=1`` all return the plain function, so the same
source runs interpreted. ``SHOAL_KEEP_WRAPPERS=1`` keeps inner functions callable from Python (tests).
"""

import array
import hashlib
import operator
import os
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import numba
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core.typing.templates import AttributeTemplate
from numba.extending import (
    NativeValue,
    infer_getattr,
    intrinsic,
    lower_getattr_generic,
    models,
    register_model,
    typeof_impl,
    unbox,
)
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
    """Compile a function with several callers, or one that few ticks call, where a test in its caller says when; not
    callable from Python. Rooms of a ``Packed`` cost a call one word each.
    """
    return function if JIT_OFF else njit(**_INNER)(function)


def inlined(function: F) -> F:
    """Write a function into its callers before types are known: it has no machine code of its own, and the code that it
    calls is optimised one time less. For what has a few lines, or one caller and is done in each tick (eight steps of
    a tick as functions: 1.03 of its time). What Numba keeps of a function grows with its names times its blocks.
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
    """Rooms that an entry takes as one word: the address of a table of the addresses of all arrays, then their shapes.

    Numba hands an array on as five words and two a dimension: 546 for a tick, and some 200 for each call inside it. An
    address is read from the table where an array is used, and a room is handed on as one word. The arrays are kept
    alive.

    Parameters
    ----------
    rooms : tuple of named tuples of arrays
        Each of another kind, by which ``room`` finds it.

    Raises
    ------
    ValueError
        When an array is not C-contiguous: its strides are not in the table.
    """

    def __init__(self, rooms: tuple[tuple[Any, ...], ...]) -> None:
        self.rooms = rooms
        self.arrays = tuple(one for room in rooms for one in room)
        if not all(one.flags.c_contiguous for one in self.arrays):
            raise ValueError("an array handed to an entry has gaps; pass a contiguous copy")
        shapes = [length for one in self.arrays for length in one.shape]
        self._words = array.array("q", [one.ctypes.data for one in self.arrays] + shapes)
        self.address = self._words.buffer_info()[0]
        self.kind: Any = None  # its type for Numba, once asked for

    def __reduce__(self) -> Any:  # a copy has a table of its own arrays
        return Packed, (self.rooms,)

    def holds(self, rooms: tuple[tuple[Any, ...], ...]) -> bool:
        """Whether these are the very arrays in it."""
        arrays = tuple(one for room in rooms for one in room)
        return len(arrays) == len(self.arrays) and all(map(operator.is_, arrays, self.arrays))


if JIT_OFF:

    def room(packed: Any, kind: Any) -> Any:
        """The room of a ``Packed`` that is a ``kind``."""
        return next(one for one in packed.rooms if type(one) is kind)

    def call_entry(function: Any, arguments: Any) -> Any:
        """Call a function with its arguments: what the compiled one does at an address."""
        result = function(*arguments)
        return 0 if result is None else result

else:

    class PackedType(types.Type):
        """What Numba knows of a ``Packed``: the types of its rooms. Its name, which is part of that of every function
        that takes one, says them by a digest.
        """

        def __init__(self, rooms: tuple[Any, ...]) -> None:
            self.rooms = rooms
            digest = hashlib.sha256(", ".join(map(str, rooms)).encode()).hexdigest()[:16]
            super().__init__(name=f"Packed({digest})")

    @register_model(PackedType)
    class PackedModel(models.PrimitiveModel):
        """An address, as an integer."""

        def __init__(self, manager: Any, kind: PackedType) -> None:
            super().__init__(manager, kind, ir.IntType(64))

    _kinds: dict[Any, PackedType] = {}  # Numba asks at every call, and needs milliseconds to tell

    @typeof_impl.register(Packed)
    def _typeof_packed(packed: Packed, context: Any) -> PackedType:
        if packed.kind is None:
            looks = [[(one.dtype, one.ndim, one.flags.num) for one in room] for room in packed.rooms]
            key = tuple((type(room), *look) for room, look in zip(packed.rooms, looks, strict=True))
            if key not in _kinds:
                _kinds[key] = PackedType(tuple(map(numba.typeof, packed.rooms)))
            packed.kind = _kinds[key]
        return packed.kind

    @unbox(PackedType)
    def _unbox_packed(kind: PackedType, packed: Any, c: Any) -> NativeValue:
        address = c.pyapi.object_getattr_string(packed, "address")
        word = c.pyapi.long_as_longlong(address)
        c.pyapi.decref(address)
        return NativeValue(word, is_error=cgutils.is_not_null(c.builder, c.pyapi.err_occurred()))

    class RoomType(types.Type):
        """What Numba knows of one room of a ``Packed``: of each array its type, and the places in the table of its
        address and of its shape.
        """

        def __init__(self, of: Any, address: int, shape: int) -> None:
            self.arrays = {}
            for name, one in zip(of.fields, of.types, strict=True):
                self.arrays[name] = one, address, shape
                address, shape = address + 1, shape + one.ndim
            digest = hashlib.sha256(f"{of} {address} {shape}".encode()).hexdigest()[:16]
            super().__init__(name=f"Room({of.instance_class.__name__}, {digest})")

    @register_model(RoomType)
    class RoomModel(models.PrimitiveModel):
        """The address of the table, as an integer: what a function is handed for all arrays of a room."""

        def __init__(self, manager: Any, kind: RoomType) -> None:
            super().__init__(manager, kind, ir.IntType(64))

    @infer_getattr
    class RoomAttributes(AttributeTemplate):
        """``room.name`` is an array."""

        key = RoomType

        def generic_resolve(self, typ: Any, attr: str) -> Any:  # type: ignore[override]
            return typ.arrays[attr][0] if attr in typ.arrays else None

    @lower_getattr_generic(RoomType)
    def array_of(context: Any, builder: Any, kind: RoomType, table: Any, name: str) -> Any:
        """Read an array's address and shape from the table, where it is used. Nothing writes to a table while an entry
        runs, which LLVM is told.
        """
        one, address, shape = kind.arrays[name]
        i64 = ir.IntType(64)
        at = builder.inttoptr(table, i64.as_pointer())
        words = [builder.load(builder.gep(at, [i64(k)])) for k in (address, *range(shape, shape + one.ndim))]
        for word in words:
            word.set_metadata("invariant.load", builder.module.add_metadata([]))
        size = context.get_abi_sizeof(context.get_data_type(one.dtype))
        strides = [i64(size)]
        for length in words[:1:-1]:
            strides.insert(0, builder.mul(strides[0], length))
        made = context.make_array(one)(context, builder)
        populate_array(made, builder.inttoptr(words[0], made.data.type), words[1:], strides, i64(size), None)
        return made._getvalue()

    @intrinsic
    def room(typingctx: Any, packed: Any, kind: Any) -> Any:
        """The room of a ``Packed`` that is a ``kind``, to be used as one and to be handed on as one word."""

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return args[0]

        place = [one.instance_class for one in packed.rooms].index(kind.instance_class)
        before = [one for others in packed.rooms[:place] for one in others]
        address, shape = len(before), sum(map(len, packed.rooms)) + sum(one.ndim for one in before)
        return RoomType(packed.rooms[place], address, shape)(packed, kind), codegen

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
