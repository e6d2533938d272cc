"""The pickle in a PyTorch file, read by a machine that knows what a state dict needs.

Nothing is imported and nothing is called: what a pickle names is compared with a list,
and what it would have called is done here. Words are taken apart by `pickletools`.
"""

from __future__ import annotations

import math
import pickletools
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

import jax.numpy as jnp
import numpy as np

DTYPES = {
    f"torch {name}Storage": np.dtype(dtype).newbyteorder("<")
    for name, dtype in {
        "Double": np.float64,
        "Float": np.float32,
        "Half": np.float16,
        "BFloat16": jnp.bfloat16,
        "Long": np.int64,
        "Int": np.int32,
        "Short": np.int16,
        "Char": np.int8,
        "Byte": np.uint8,
        "Bool": np.bool_,
        "ComplexFloat": np.complex64,
        "ComplexDouble": np.complex128,
    }.items()
}
DICT = "collections OrderedDict"
TENSOR = "torch._utils _rebuild_tensor_v2"
PARAMETER = "torch._utils _rebuild_parameter"
SIZE = "torch Size"
KNOWN = (DICT, TENSOR, PARAMETER, SIZE, *DTYPES)
PLAIN = (str, int, float, bool, type(None))
NEEDED = "what a state dict needs"
LARGEST = 1 << 63
MOST_AXES = 32
SHORT = 80  # letters of what is shown of a file


class Name(str):
    """What a pickle would have imported."""

    __slots__ = ()


class Storage(NamedTuple):
    """The values that tensors are views of: a member of the archive."""

    dtype: np.dtype
    key: str
    size: int


class View(NamedTuple):
    """A tensor: where in a storage its values are."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Refused(Exception):
    """What was expected and what came."""


def refuse(expected: str, got: str) -> NoReturn:
    raise Refused(expected, got)


def unpickled(pickle: bytes) -> Any:
    """Dicts, lists, tuples, plain values and views, from the bytes of a pickle."""
    machine = Machine()
    try:
        for word, argument, _ in pickletools.genops(pickle):
            if word.name == "STOP":
                return machine.pop()
            machine.do(word.name, argument)
    except (ValueError, IndexError, KeyError) as error:
        refuse("a whole pickle", f"one that is damaged ({brief(str(error))})")
    refuse("a whole pickle", "one without an end")


class Machine:
    """A stack, marks on it, and what is kept to be used again."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def pop(self) -> Any:
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            raise IndexError("nothing on the stack")
        return self.stack.pop()

    def peek(self) -> Any:
        self.stack.append(found := self.pop())
        return found

    def pop_all(self) -> list[Any]:
        """What came since the last mark."""
        mark = self.marks.pop()
        found = self.stack[mark:]
        del self.stack[mark:]
        return found

    def top(self, kind: type) -> Any:
        found = self.peek()
        if type(found) is not kind:
            raise ValueError(f"no {kind.__name__} to add to")
        return found

    def do(self, word: str, argument: Any) -> None:
        match word:
            case "PROTO" | "FRAME":
                pass
            case "BININT" | "BININT1" | "BININT2" | "LONG1" | "BINFLOAT" | "BINUNICODE":
                self.stack.append(argument)
            case "NONE":
                self.stack.append(None)
            case "NEWTRUE" | "NEWFALSE":
                self.stack.append(word == "NEWTRUE")
            case "EMPTY_DICT":
                self.stack.append({})
            case "EMPTY_LIST":
                self.stack.append([])
            case "EMPTY_TUPLE":
                self.stack.append(())
            case "MARK":
                self.marks.append(len(self.stack))
            case "TUPLE":
                self.stack.append(tuple(self.pop_all()))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                found = [self.pop() for _ in range(int(word[-1]))]
                self.stack.append(tuple(reversed(found)))
            case "APPEND":
                value = self.pop()
                self.top(list).append(value)
            case "APPENDS":
                values = self.pop_all()
                self.top(list).extend(values)
            case "SETITEM":
                value, key = self.pop(), self.pop()
                self.put([key, value])
            case "SETITEMS":
                self.put(self.pop_all())
            case "BINPUT" | "LONG_BINPUT":
                self.memo[argument] = self.peek()
            case "BINGET" | "LONG_BINGET":
                self.stack.append(self.memo[argument])
            case "GLOBAL":
                self.stack.append(known(argument))
            case "BINPERSID":
                self.stack.append(storage(self.pop()))
            case "REDUCE":
                arguments, name = self.pop(), self.pop()
                self.stack.append(made(name, arguments))
            case "BUILD":  # what a state dict has besides tensors: versions of modules
                self.pop()
                self.top(dict)
            case _:
                refuse(NEEDED, f"the pickle's word {word}")

    def put(self, pairs: list[Any]) -> None:
        """Puts keys and values in turn into the dict on top."""
        target = self.top(dict)
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            if type(key) not in (str, int):
                refuse("keys that are strings or ints", shown(key))
            if key in target:
                refuse("each key once", f"{shown(key)} twice")
            target[key] = value


def known(argument: str) -> Name:
    """A name of the list."""
    if argument not in KNOWN:
        refuse(NEEDED, f"the name {brief(repr(argument.replace(' ', '.')))}")
    return Name(argument)


def storage(said: Any) -> Storage:
    """What a persistent id says of a storage."""
    match said:
        case ("storage", Name() as kind, str(key), str(), int(size)) if kind in DTYPES:
            if 0 <= size < LARGEST:
                return Storage(DTYPES[kind], key, size)
    return refuse("a storage by its type, key, device and size", shown(said))


def made(name: Any, arguments: Any) -> Any:
    """What a call of a name of the list gives."""
    match name, arguments:
        case (Name(), ()) if name == DICT:
            return {}
        case (Name(), (tuple() as lengths,)) if name == SIZE:
            return lengths
        case (Name(), (View() as view, *_)) if name == PARAMETER:
            return view
        case (Name(), (Storage() as where, offset, shape, strides, *_)) if (
            name == TENSOR
        ):
            return view_of(where, offset, shape, strides)
    return refuse(NEEDED, f"a call of {shown(name)}")


def view_of(where: Storage, offset: Any, shape: Any, strides: Any) -> View:
    """A view, if it lies in its storage."""
    for sizes in ((offset,), shape, strides):
        if type(sizes) is not tuple or not all(
            type(n) is int and 0 <= n < LARGEST for n in sizes
        ):
            refuse("sizes of a tensor", shown(sizes))
    if len(shape) != len(strides) or len(shape) > MOST_AXES:
        got = f"{len(strides)} and {len(shape)}"
        refuse(f"as many strides as axes, at most {MOST_AXES}", got)
    axes = list(zip(shape, strides, strict=True))
    last = offset + sum((n - 1) * stride for n, stride in axes)
    count = math.prod(shape)
    if count > where.size or (count and last >= where.size):
        got = brief(f"shape {shape} with strides {strides} from {offset} on")
        refuse(f"a tensor within its storage of {where.size} values", got)
    if not count:  # its other lengths are bounded too
        if math.prod(n or 1 for n in shape) * where.dtype.itemsize >= LARGEST:
            refuse("a shape that memory may hold", shown(shape))
        return View(where, 0, shape, (0,) * len(shape))
    # Along an axis of length 1 any stride will do, also one that bytes can't count.
    return View(where, offset, shape, tuple(s if n > 1 else 0 for n, s in axes))


def shown(said: Any) -> str:
    """What a file says, in short; of what it nests, only the kind."""
    flat = said if type(said) is tuple else (said,)
    plain = all(type(one) in (*PLAIN, Name) for one in flat)
    return brief(repr(said)) if plain else type(said).__name__


def brief(text: str) -> str:
    return text if len(text) <= SHORT else f"{text[:SHORT]}..."


def mapped(tree: Any, of_view: Callable[[View], Any]) -> Any:
    """Dicts, lists and tuples with something in the place of each view."""
    done: dict[int, Any] = {}  # a tree may hold a part of itself, or one part often

    def one(part: Any) -> Any:
        if type(part) in PLAIN:
            return part
        if id(part) not in done:
            if type(part) is View:
                done[id(part)] = of_view(part)
            elif type(part) is dict:
                done[id(part)] = found = {}
                found.update((key, one(value)) for key, value in part.items())
            elif type(part) is list:
                done[id(part)] = found = []
                found.extend(map(one, part))
            elif type(part) is tuple:
                done[id(part)] = tuple(map(one, part))
            else:
                refuse("tensors and plain values", shown(part))
        return done[id(part)]

    try:
        return one(tree)
    except RecursionError:
        return refuse("a tree of little depth", "a deep one")
