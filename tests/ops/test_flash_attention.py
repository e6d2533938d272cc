"""When attention is a kernel's, and that it then computes the same.

There is none here: its own part is played by `jax.nn.dot_product_attention` in plain
operations, and `python -m benchmarks.ops.flash_attention` compares it on a GPU.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn
from fnn.ops import flash_attention
from fnn.ops.attention import attention as by_operations
from fnn.ops.flash_attention import Options, takes
from fnn.ops.padding import before

TIME, SIZE = 6, 8


@pytest.fixture(autouse=True)
def _kernel(monkeypatch):
    by_jax = jax.nn.dot_product_attention

    def played(*arrays, implementation, **options):
        return by_jax(*arrays, implementation="xla", **options)

    monkeypatch.setattr(jax.nn, "dot_product_attention", played)
    monkeypatch.setattr(flash_attention, "has_kernel", lambda: True)
    monkeypatch.setattr(flash_attention, "FEWEST_STEPS", TIME)


def drawn(*shape, dtype=jnp.float32):
    numbers = np.random.default_rng(len(shape)).normal(size=shape)
    return jnp.asarray(numbers, dtype)


def of(dtype=jnp.bfloat16, heads=2, time=TIME, size=SIZE):
    return jnp.zeros((1, heads, time, size), dtype)


# ----------------------------------------------------------------- what it is taken for
OPTIONS = Options(0.5, None, None)
TAKEN = {
    "all": (of(), of(), of(), None, OPTIONS),
    "causal": (of(), of(), of(), None, Options(0.5, None, 0)),
    "causal window": (of(), of(), of(), None, Options(0.5, 3, 0)),
    "float16": (*(of(jnp.float16),) * 3, None, OPTIONS),
    "fewer heads of keys": (of(), of(heads=1), of(heads=1), None, OPTIONS),
    "padding": (of(), of(), of(), jnp.ones(1, int), Options(0.5, None, 0)),
}
LEFT = {
    "float32": (*(of(jnp.float32),) * 3, None, OPTIONS),
    "two dtypes": (of(), of(), of(jnp.float16), None, OPTIONS),
    "values of another size": (of(), of(), of(size=16), None, OPTIONS),
    "a size that is no multiple of 8": (*(of(size=12),) * 3, None, OPTIONS),
    "a large size": (*(of(size=136),) * 3, None, OPTIONS),
    "a traced scale": (of(), of(), of(), None, Options(jnp.ones(()), None, None)),
    "a window to the right": (of(), of(), of(), None, Options(0.5, 3, 3)),
    "a window both ways": (of(), of(), of(), None, Options(0.5, None, 3)),
    "all to the right": (of(), of(), of(), None, Options(0.5, 3, None)),
    "padding in a window": (of(), of(), of(), jnp.ones(1, int), Options(0.5, 3, 0)),
    "few queries": (of(time=5), of(), of(), None, OPTIONS),
    "few keys": (of(), of(time=5), of(time=5), None, OPTIONS),
    "no head": (*(of(heads=0),) * 3, None, OPTIONS),
}


@pytest.mark.parametrize("name", TAKEN)
def test_it_is_taken_for(name):
    assert takes(*TAKEN[name])


@pytest.mark.parametrize("name", LEFT)
def test_it_is_not_taken_for(name):
    assert not takes(*LEFT[name])


def test_it_is_not_taken_where_there_is_none(monkeypatch):
    monkeypatch.undo()
    if jax.default_backend() == "cpu":
        assert not flash_attention.has_kernel()
    monkeypatch.setattr(flash_attention, "FEWEST_STEPS", TIME)
    monkeypatch.setattr(flash_attention, "has_kernel", lambda: False)
    assert not takes(*TAKEN["all"])


# --------------------------------------------------------------------- what it computes
@pytest.mark.parametrize(
    "left, right, padded",
    [(None, None, False), (None, None, True), (None, 0, True), (2, 0, False)],
)
def test_values_and_derivatives_are_those_of_operations(left, right, padded):
    lengths = jnp.array([[TIME, 1, 0], [3, 0, 2]]) if padded else None
    q, k, v = (drawn(2, 3, heads, TIME, SIZE) for heads in (4, 2, 2))

    def by_kernel(q, k, v):
        options = Options(0.3, left, right)
        return flash_attention.averages(q, k, v, lengths, options)

    def wanted(q, k, v):
        kept = () if lengths is None else (before(lengths, TIME)[..., None, None, :],)
        return by_operations(q, k, v, scale=0.3, masks=kept, left=left, right=right)

    @jax.jit
    def everything(q, k, v):
        found = []
        for f in (by_kernel, wanted):
            y, pullback = jax.vjp(f, q, k, v)
            grads = pullback(jnp.cos(y))
            _, dy = jax.jvp(f, (q, k, v), (v.repeat(2, 2), v, k))
            twice = jax.jvp(
                jax.grad(lambda q, f=f: jnp.sum(f(q, k, v) ** 2)), (q,), (q,)
            )
            found.append((y, grads, dy, twice))
        return found

    found, known = everything(q, k, v)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(known), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5)
    if padded:
        assert not found[0][0, 2].any() and found[0][0, 1].any()


# ------------------------------------------------------------------------ who takes it
def primitives(layer, *inputs, dtype=jnp.bfloat16, **named):
    """The text of what runs, with all its operations."""
    layer = fnn.with_state(fnn.mixed_precision(layer, dtype))
    train = named.pop("train", False)
    params, state = jax.eval_shape(layer.init, jax.random.key(0), *inputs)

    def run(params, state, inputs, named, key):
        return layer.apply(params, state, *inputs, **named, key=key, train=train)

    args = (params, state, inputs, named, jax.random.key(0))
    return str(jax.make_jaxpr(run)(*args))


def attention(**options):
    return fnn.attention(16, 2, **options)


X = drawn(2, TIME, 16)
LENGTHS = jnp.array([3, 6])


@pytest.mark.parametrize(
    "layer, inputs, named",
    [
        (attention(causal=True), (X,), {}),
        (attention(), (X,), {"lengths": LENGTHS}),
        (attention(cross=True), (X, X), {"memory_lengths": LENGTHS}),
        (attention(kv_heads=1, rotary=fnn.rotary), (X,), {}),
        (attention(dropout=0.5), (X,), {}),
        (fnn.repeat(attention(), 2), (X,), {}),
        (
            fnn.models.gpt(5, features=16, heads=2, layers=2),
            (jnp.ones((1, 6), int),),
            {},
        ),
    ],
)
def test_layers_take_it(layer, inputs, named):
    assert "flash_attention" in primitives(layer, *inputs, **named)


@pytest.mark.parametrize(
    "layer, inputs, named",
    [
        (attention(dropout=0.5), (X,), {"train": True}),
        (attention(), (X,), {"mask": np.ones((TIME, TIME), bool)}),
        (attention(), (X,), {"bias": np.ones((TIME, TIME), np.float32)}),
        (attention(position_bias=fnn.alibi(2)), (X,), {}),
        (attention(implementation="xla"), (X,), {}),
        (attention(), (X,), {"dtype": jnp.float32}),
        (fnn.capture(attention(), "weights"), (X,), {}),
        (fnn.intercept(attention(), "weights", jnp.round), (X,), {}),
        (fnn.decoding(attention(causal=True), TIME), (X,), {}),
    ],
)
def test_layers_do_not_take_it(layer, inputs, named):
    assert "flash_attention" not in primitives(layer, *inputs, **named)
