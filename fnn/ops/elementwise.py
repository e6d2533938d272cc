"""Arrays that are not yet drawn, each of whose numbers depends on its place alone.

Such an array is known by the steps that give one of its numbers. One compiled program
of a fixed size computes these steps from any place on, so that arrays of all shapes
share it, and so do those that differ in a key or in a number that scales them.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

CHUNK = 16_384  # numbers a run: 0.1 ms of work, ten times what the call costs
AHEAD = 32  # runs that may wait to be written down

KEY = "key<fry>"  # the dtype of threefry keys, by name

# Operations whose result has at each place what they make of their operands there.
NAMES = """
    abs acos acosh add and asin asinh atan atan2 atanh bitcast_convert_type cbrt ceil
    clamp complex conj convert_element_type cos cosh digamma div eq erf erf_inv erfc exp
    exp2 expm1 floor ge gt imag integer_pow is_finite le lgamma log log1p logistic lt
    max min mul ne neg nextafter not or pow real rem round rsqrt select_n shift_left
    shift_right_arithmetic shift_right_logical sign sin sinh sqrt square stop_gradient
    sub tan tanh xor
"""
ELEMENTWISE = frozenset(NAMES.split())
# Those that keep all numbers and their order.
IN_ORDER = frozenset({"broadcast_in_dim", "copy", "reshape", "squeeze"})
# Calls of a traced function, and the param that holds it.
CALLS = {"jit": "jaxpr", "custom_jvp_call": "call_jaxpr"}


class Constant(NamedTuple):
    """A number that is part of a program."""

    dtype: np.dtype
    data: bytes  # which tell 0.0 from -0.0, and are equal where both are NaN

    @property
    def value(self) -> Any:
        return np.frombuffer(self.data, self.dtype)[0]


class Step(NamedTuple):
    """What is done for a number of an array.

    Operands are steps, constants, and arrays that a program takes: the words of a key,
    and numbers that are the same at each place.
    """

    operation: Any  # a primitive with its params; None for random bits
    operands: tuple
    depth: int  # greater than that of each operand
    random: bool  # or the same at each place


def step(operation: Any, operands: Sequence[Any]) -> Step:
    """A step after those among its operands."""
    earlier = [x for x in operands if isinstance(x, Step)]
    depth = 1 + max((x.depth for x in earlier), default=0)
    random = operation is None or any(x.random for x in earlier)
    return Step(operation, tuple(operands), depth, random)


def is_random(value: Any) -> bool:
    """Whether a value stands for an array that differs from place to place."""
    return isinstance(value, Step) and value.random


def is_number(value: Any) -> bool:
    """Whether a value stands for an array that is the same at each place."""
    if isinstance(value, Step | Constant):
        return not is_random(value)
    return np.ndim(value) == 0


# ------------------------------------------------------------------ from what is traced
def postponed(eqn: Any, operands: Sequence[Any]) -> Any:
    """What an operation gives at each place; None if that doesn't say it all."""
    name, params = eqn.primitive.name, eqn.params
    if len(eqn.outvars) != 1:
        return None
    if name in CALLS:
        return _postponed_call(params, params[CALLS[name]], operands)
    if name == "random_bits":
        key = eqn.invars[0].aval
        one = key.dtype.name == KEY and key.shape == () and params["bit_width"] == 32
        return step(None, operands) if one and eqn.ctx.threefry_partitionable else None
    size = eqn.outvars[0].aval.size
    alike = all(
        v.aval.size == size if is_random(x) else is_number(x)
        for v, x in zip(eqn.invars, operands, strict=True)
    )
    if not operands or not alike or params.get("sharding") is not None:
        return None
    if name in IN_ORDER:
        return operands[0]
    if name in ELEMENTWISE:
        return step((eqn.primitive, tuple(params.items())), operands)
    return None


def _postponed_call(params: dict[str, Any], inner: Any, operands: Sequence[Any]) -> Any:
    """What a function gives at each place, if that says all of each of its steps."""
    shardings = (*params.get("in_shardings", ()), *params.get("out_shardings", ()))
    if any(isinstance(one, jax.sharding.Sharding) for one in shardings):
        return None
    env = bound(inner.jaxpr, inner.consts, operands)

    def read(atom):
        return env[atom] if is_variable(atom) else literal(atom)

    for eqn in inner.jaxpr.eqns:
        value = postponed(eqn, [read(v) for v in eqn.invars])
        if value is None:
            return None
        env[eqn.outvars[0]] = value
    return read(inner.jaxpr.outvars[0])


def is_variable(atom: Any) -> bool:
    """Of a traced function; what is no variable is a constant."""
    return not hasattr(atom, "val")


def literal(atom: Any) -> Constant:
    """What is no variable, known to the compiler as in a function called by itself."""
    dtype = atom.aval.dtype
    return Constant(dtype, np.asarray(atom.val, dtype).tobytes())


def bound(jaxpr: Any, consts: Sequence[Any], args: Sequence[Any]) -> dict[Any, Any]:
    """The values of a traced function's variables at its start."""
    return dict(zip((*jaxpr.constvars, *jaxpr.invars), (*consts, *args), strict=True))


# ------------------------------------------------------------------------- to an array
def settled(value: Any, aval: Any) -> Any:
    """The array that a value stands for; the words of a key as they are."""
    whole = not isinstance(value, Step | Constant)
    if whole and (aval.dtype.name == KEY or np.shape(value) == aval.shape):
        return value
    if isinstance(value, Constant) and not any(value.data):
        return np.zeros(aval.shape, aval.dtype)  # takes no memory while only read
    out = np.empty(aval.shape, aval.dtype)
    write(out, value)
    return out


def write(out: np.ndarray, value: Any) -> None:
    """Writes what a value stands for into an array that lies in one piece."""
    if not isinstance(value, Step):
        out[...] = value.value if isinstance(value, Constant) else value
        return
    program, arrays = programmed(value)
    if not value.random:
        out[...] = compiled(program, 1)(np.zeros(2, np.uint32), *arrays)
        return
    run, flat = compiled(program, CHUNK), out.reshape(-1)
    starts = range(0, flat.size, CHUNK)
    arrays = jax.device_put(arrays) if len(starts) > 1 else arrays
    for i in range(0, len(starts), AHEAD):
        some = starts[i : i + AHEAD]
        chunks = [run(np.array(divmod(n, 2**32), np.uint32), *arrays) for n in some]
        for n, chunk in zip(some, chunks, strict=True):
            flat[n : n + CHUNK] = np.asarray(chunk)[: flat.size - n]


def programmed(last: Step) -> tuple[tuple, list[Any]]:
    """The steps up to this one, by places instead of operands, and the arrays."""
    found, waiting = {}, [last]
    while waiting:
        one = waiting.pop()
        if id(one) not in found:
            found[id(one)] = one
            waiting += [x for x in one.operands if isinstance(x, Step)]
    steps = sorted(found.values(), key=lambda one: one.depth)
    operands = [x for one in steps for x in one.operands]
    arrays = {id(x): x for x in operands if not isinstance(x, Step | Constant)}
    places = {known: i for i, known in enumerate([*arrays, *map(id, steps)])}

    def place(x):
        return x if isinstance(x, Constant) else places[id(x)]

    program = tuple((one.operation, tuple(map(place, one.operands))) for one in steps)
    return program, list(arrays.values())


@functools.lru_cache
def compiled(program: tuple, size: int) -> Callable[..., jax.Array]:
    """The function ``(start, *arrays)`` of so many numbers from a place on."""

    def numbers(start, *arrays):
        low = start[1] + lax.iota(np.uint32, size)
        high = start[0] + (low < start[1]).astype(np.uint32)
        values = list(arrays)
        for operation, places in program:
            operands = [p.value if type(p) is Constant else values[p] for p in places]
            if operation is None:
                values.append(operator.xor(*threefry(operands[0], high, low)))
                continue
            primitive, params = operation
            shape = np.broadcast_shapes(*map(np.shape, operands))
            operands = [jnp.broadcast_to(x, shape) for x in operands]
            values.append(primitive.bind(*operands, **dict(params)))
        return values[-1]

    return jax.jit(numbers)


# ------------------------------------------------------------------------ random words
def threefry(words: Any, high: Any, low: Any) -> tuple[Any, Any]:
    """Two random words for each pair of words, of NumPy or of JAX alike.

    As `jax.random` has it, but unrolled: on a CPU it compiles in half the time, and
    runs in a third.

    References:
      Salmon et al., Parallel random numbers: as easy as 1, 2, 3, 2011, section 4.2.
    """
    schedule = words[0], words[1], words[0] ^ words[1] ^ np.uint32(0x1BD11BDA)
    high, low = high + schedule[0], low + schedule[1]
    for i in range(5):
        for bits in (17, 29, 16, 24) if i % 2 else (13, 15, 26, 6):
            high = high + low
            low = (low << np.uint32(bits)) | (low >> np.uint32(32 - bits))
            low = low ^ high
        high = high + schedule[(i + 1) % 3]
        low = low + schedule[(i + 2) % 3] + np.uint32(i + 1)
    return high, low
