"""`summary`: the table of a model, from shapes alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

import jax

from fnn.contract import as_layer, make, with_state
from fnn.forms import form_around
from fnn.shapes import abstract, over_arrays, shown, spec
from fnn.transforms.parts import map_parts
from fnn.tree import paths


class Row(NamedTuple):
    """One part of a model, with all that it is made of."""

    path: str  # "" for the model itself
    layer: str
    outputs: Any  # shapes, of one copy inside `repeat`
    parameters: int
    bytes: int  # of the parameters
    flops: int  # of its forward passes in one of the model


class Summary(NamedTuple):
    """The rows of a model's table, each part before its own; printed, the table."""

    rows: tuple[Row, ...]

    @property
    def parameters(self) -> int:
        """Number of parameters in all."""
        return self.rows[0].parameters

    @property
    def bytes(self) -> int:
        """Bytes of the parameters in all."""
        return self.rows[0].bytes

    @property
    def flops(self) -> int:
        """Floating-point operations of one forward pass."""
        return self.rows[0].flops

    def __repr__(self) -> str:
        head = ("path", "layer", "outputs", "parameters", "bytes", "FLOPs")
        body = [
            (row.path, row.layer, shown(row.outputs), *(f"{n:,}" for n in row[3:]))
            for row in (*self.rows[1:], self.rows[0])
        ]
        body[-1] = ("total", *body[-1][1:])
        widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]

        def line(cells):
            left = [c.ljust(w) for c, w in zip(cells[:3], widths[:3], strict=True)]
            right = [c.rjust(w) for c, w in zip(cells[3:], widths[3:], strict=True)]
            return "  ".join(left + right)

        rule = "  ".join("-" * w for w in widths)
        *lines, total = map(line, body)
        return "\n".join([line(head), rule, *lines, rule, total])


def summary(layer: Any, *inputs: Any, train: bool = False, **named: Any) -> Summary:
    """The table of a model: paths, layers, outputs, parameters, bytes and FLOPs.

    From shapes alone: nothing is computed and no parameter is drawn. FLOPs are those
    that XLA's cost analysis gives for each operation, two for a multiplication and an
    addition and none for a transcendental function, times the number of iterations of a
    `jax.lax.scan`; the body of a `jax.lax.while_loop` counts once, and of the branches
    of a `jax.lax.cond` the dearest.

    Args:
      layer: A layer or a function of arrays.
      *inputs: Its inputs, arrays or `jax.ShapeDtypeStruct`.
      train: Whether the forward pass is one of training.
      **named: Its inputs by name.

    Returns:
      A `Summary`: printed, the table; its ``rows`` are the data, the model's own first.

    Raises:
      TypeError: If it is no layer.
      ValueError: Where the inputs don't fit, as the layer's ``init``.
      RuntimeError: If JAX was told to leave the CPU out: XLA counts FLOPs there alone.

    Example:
      >>> net = fnn.sequential(fnn.dense(8), jax.nn.relu, fnn.dense(2))
      >>> print(fnn.summary(net, jax.ShapeDtypeStruct((1, 4), jnp.float32)))
      path   layer       outputs        parameters  bytes  FLOPs
      -----  ----------  -------------  ----------  -----  -----
      0      dense(8)    float32[1, 8]          40    160     72
      1      relu        float32[1, 8]           0      0      8
      2      dense(2)    float32[1, 2]          18     72     34
      -----  ----------  -------------  ----------  -----  -----
      total  sequential  float32[1, 2]          58    232    114
    """
    notes = _Notes({}, {})
    parts, outputs = notes.parts, notes.outputs

    def mark(path, part):
        return _marked(path, part, notes)

    marked = with_state(map_parts(mark, as_layer(layer, "summary")))
    key, inputs, named = spec((jax.eval_shape(jax.random.key, 0), inputs, named))

    def init(key, inputs, named):
        return marked.init(key, *inputs, **named)

    params, state = abstract(init, key, inputs, named)

    def apply(params, state, key, inputs, named):
        return marked.apply(params, state, *inputs, key=key, train=train, **named)

    run, arrays = over_arrays(apply, params, state, key, inputs, named)
    flops = dict.fromkeys(parts, 0.0)
    program = jax.make_jaxpr(run)(arrays).jaxpr
    with jax.default_device(_counting_device()):
        for path, count in _operations(program, "", 1, {}):
            flops[path] += count
    leaves = paths(params)
    rows = []
    for path in _outer_first(parts):
        own = [a for name, a in leaves.items() if _below(name, path)]
        sizes = [prod(a.shape) for a in own]
        rows.append(
            Row(
                path,
                _name(parts[path]),
                outputs.get(path, ()),
                sum(sizes),
                sum(n * a.dtype.itemsize for n, a in zip(sizes, own, strict=True)),
                round(sum(count for p, count in flops.items() if _below(p, path))),
            )
        )
    return Summary(tuple(rows))


@dataclass(eq=False)
class _Notes:
    """What parts of a network note of themselves, by path; equal to itself alone."""

    parts: dict[str, Any]
    outputs: dict[str, Any]


def _marked(path: str, part: Any, notes: _Notes) -> Any:
    """A part that notes what it puts out, and marks its operations with its path."""
    notes.parts[path] = part

    def run(*args):
        with jax.named_scope(f"fnn<{path}>"):
            found, state = part.form.run(*args)
        notes.outputs[path] = spec(found)
        return found, state

    return make(form_around(part, run=run), _marked, (path, part, notes))


def _name(part: Any) -> str:
    """A part's repr where it is made of no others, else its name."""
    return part.form.name if part.parts else repr(part)


def _below(path: str, root: str) -> bool:
    return root in ("", path) or path.startswith(f"{root}/")


def _outer_first(found: dict[str, Any]) -> list[str]:
    """Paths in the order of the parts, each before those below it."""
    order: list[str] = []
    for path in found:  # which come from the inside out
        inner = [i for i, other in enumerate(order) if _below(other, path)]
        order.insert(inner[0] if inner else len(order), path)
    return order


def _operations(
    jaxpr: Any, scope: str, times: int, known: dict
) -> Iterator[tuple[str, float]]:
    """The path and the FLOPs of each operation in a jaxpr, run so many times."""
    for eqn in jaxpr.eqns:
        inside = f"{scope}/{eqn.source_info.name_stack}"
        bodies = [j for value in eqn.params.values() for j in _jaxprs(value)]
        if not bodies:
            marks = re.findall(r"fnn<([^>]*)>", inside)
            yield (marks[-1] if marks else ""), times * _flops(eqn, known)
        elif eqn.primitive.name == "cond":
            branches = [
                list(_operations(body, inside, times, known)) for body in bodies
            ]
            yield from max(branches, key=lambda branch: sum(n for _, n in branch))
        else:
            length = eqn.params.get("length", 1) if eqn.primitive.name == "scan" else 1
            for body in bodies:
                yield from _operations(body, inside, times * length, known)


def _jaxprs(value: Any) -> Iterator[Any]:
    """The programs in a parameter of an operation, closed over constants or not."""
    if hasattr(value, "jaxpr"):
        yield value.jaxpr
    elif hasattr(value, "eqns"):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _jaxprs(item)


def _counting_device() -> Any:
    """The CPU, for which alone XLA counts what it hasn't compiled."""
    try:
        return jax.local_devices(backend="cpu")[0]
    except RuntimeError as error:
        raise RuntimeError(
            "summary: expected JAX to know a CPU, where XLA counts FLOPs; add it to "
            f"the environment variable: JAX_PLATFORMS={jax.default_backend()},cpu"
        ) from error


def _flops(eqn: Any, known: dict) -> float:
    """What XLA's cost analysis gives for one operation."""
    shapes = [jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype) for v in eqn.invars]
    name = eqn.primitive.name, repr(shapes), repr(eqn.params)
    if name not in known:

        def operation(*args: Any) -> Any:
            return eqn.primitive.bind(*args, **eqn.params)

        # As for a TPU wherever it runs: a CPU may compute it in another way.
        lowered = jax.jit(operation).trace(*shapes).lower(lowering_platforms=("tpu",))
        cost = lowered.cost_analysis() or {}
        known[name] = cost.get("flops", 0.0)
    return known[name]
