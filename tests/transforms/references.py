"""Every transform, and what it is by hand: loops over copies, weights written out."""

import functools
import operator
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

import fnn

X = jnp.arange(6.0).reshape(2, 3) / 4 + 0.1
UNKNOWN = jnp.nan  # what a transform draws by itself


class Reference(NamedTuple):
    """A layer by hand, always in the stateful form."""

    init: Callable[[Any], tuple[Any, Any]]  # (key) -> (params, state)
    run: Callable[..., tuple[Any, Any]]  # (params, state, x, key, train)


class Transform(NamedTuple):
    """A transform, and what it makes of a layer by hand."""

    wrap: Callable[[Any], Any]
    by_hand: Callable[[Reference], Reference]


# ------------------------------------------------------------------------------ layers
def count_init(key, x):
    return (), {"calls": jnp.zeros((), jnp.int32)}


def count_apply(params, state, x, *, train):
    calls = state["calls"] + (1 if train else 0)
    return x + calls.astype(x.dtype), {"calls": calls}


def noise(x, *, key, train):
    return x * jax.random.uniform(key, x.shape, x.dtype) if train else x


counting = fnn.StatefulLayer(count_init, count_apply)


@fnn.module(a=fnn.dense(3), b=[counting, noise])
def everything(parts, x):
    return parts.b[1](parts.b[0](jnp.sin(parts.a(x)))) + parts.a(x)


LAYERS = {
    "stateless": fnn.sequential(a=fnn.dense(3), b=jnp.sin),
    "stateful": fnn.sequential(a=fnn.dense(3), b=counting),
    "drawing": fnn.sequential(a=fnn.dense(3), b=noise),
    "everything": everything,
}


def itself(layer):
    """A layer before any transform."""
    lifted = fnn.with_state(layer)

    def run(params, state, x, key, train):
        return lifted.apply(params, state, x, key=key, train=train)

    return Reference(lambda key: lifted.init(key, X), run)


# ------------------------------------------------------------------------------ copies
def stack(trees):
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)


def nth(tree, i):
    return jax.tree.map(lambda leaf: leaf[i], tree)


def copies(inner, n, chained):
    """Each on the output of the one before, or the mean of all on the same input."""

    def init(key):
        return stack([inner.init(jax.random.fold_in(key, i)) for i in range(n)])

    def run(params, state, x, key, train):
        ys, states = [], []
        for i in range(n):
            own = None if key is None else jax.random.fold_in(key, i)
            y, after = inner.run(*nth((params, state), i), x, own, train)
            ys, states = [*ys, y], [*states, after]
            x = y if chained else x
        return x if chained else sum(ys) / n, stack(states)

    return Reference(init, run)


@fnn.transform
def averaged(layer, params, state, *inputs, **named):
    """What `ensemble` puts out has one more axis, so that nothing fits around it."""
    ys, state = layer.apply(params, state, *inputs, **named)
    return ys.mean(0), state


# ----------------------------------------------------------------------------- weights
def by_path(change, tree):
    """The tree with `change(path, leaf)` for each leaf."""

    def one(path, leaf):
        return change(jax.tree_util.keystr(path, simple=True, separator="/"), leaf)

    return jax.tree_util.tree_map_with_path(one, tree)


def at(tree, path):
    steps = (int(step) if step.isdigit() else step for step in path.split("/"))
    return functools.reduce(operator.getitem, steps, tree)


def is_matrix(path, leaf):
    return path.split("/")[-1] in ("weight", "direction")


def with_params(inner, change, init=None):
    """A layer whose params are a function of others."""

    def run(params, state, x, key, train):
        return inner.run(change(params), state, x, key, train)

    return Reference(init or inner.init, run)


def frozen(inner):
    def one(path, leaf):
        return lax.stop_gradient(leaf) if path.endswith("bias") else leaf

    return with_params(inner, functools.partial(by_path, one))


def adapted(inner):
    def init(key):
        base, state = inner.init(key)

        def small(path, leaf):
            if not is_matrix(path, leaf):
                return ()
            down = jnp.full_like(leaf[..., :2], UNKNOWN)
            return {"down": down, "up": jnp.zeros_like(leaf[..., :2, :])}

        return {"base": base, "lora": by_path(small, base)}, state

    def summed(params):
        def one(path, leaf):
            leaf, beside = lax.stop_gradient(leaf), at(params["lora"], path)
            return leaf + 2.0 * beside["down"] @ beside["up"] if beside else leaf

        return by_path(one, params["base"])

    return with_params(inner, summed, init)


def of_unit_directions(inner):
    def norm(weight):
        return jnp.sqrt((weight.astype(jnp.float32) ** 2).sum(-2, keepdims=True))

    def init(key):
        params, state = inner.init(key)

        def pair(path, leaf):
            if not is_matrix(path, leaf):
                return leaf
            return {"direction": leaf, "scale": norm(leaf)[..., 0, :]}

        return by_path(pair, params), state

    def is_pair(node):
        named = isinstance(node, dict) and {*node} == {"direction", "scale"}
        return named and not isinstance(node["direction"], dict)

    def product(node):
        if not is_pair(node):
            return node
        scale = node["scale"][..., None, :]
        gain = scale / norm(node["direction"]).astype(scale.dtype)
        return node["direction"] * gain

    def joined(params):
        return jax.tree.map(product, params, is_leaf=is_pair)

    return with_params(inner, joined, init)


def thinned(inner):
    def run(params, state, x, key, train):
        def kept(path, leaf):
            own = folded(folded(key, "/kept"), path)
            *first, last = leaf.shape
            words = jax.random.bits(own, (*first, -(-last // 2)), jnp.uint32)
            halves = lax.bitcast_convert_type(words, jnp.uint16)
            drawn = halves.reshape(*first, -1)[..., :last] >= 2**14
            return leaf * drawn.astype(leaf.dtype) / 0.75

        def one(path, leaf):
            return kept(path, leaf) if train and is_matrix(path, leaf) else leaf

        return inner.run(by_path(one, params), state, x, key, train)

    return Reference(inner.init, run)


def folded(key, name):
    return jax.random.fold_in(key, zlib.crc32(name.encode()))


def of_unit_spectrum(inner):
    def init(key):
        params, state = inner.init(key)

        def pair(path, leaf):
            if not is_matrix(path, leaf):
                return ()
            left, right = leaf[..., :, 0], leaf[..., 0, :]
            return {
                "left": jnp.full_like(left, UNKNOWN),
                "right": jnp.full_like(right, UNKNOWN),
            }

        return params, {"inner": state, "vectors": by_path(pair, params)}

    def unit(vector):
        return vector / jnp.sqrt((vector**2).sum(-1, keepdims=True))

    def step(weight, vectors):
        weight = weight.astype(vectors["left"].dtype)
        left = unit((weight @ vectors["right"][..., None])[..., 0])
        right = unit((left[..., None, :] @ weight)[..., 0, :])
        return lax.stop_gradient({"left": left, "right": right})

    def run(params, state, x, key, train):
        def renewed(path, leaf):
            vectors = at(state["vectors"], path)
            return step(leaf, vectors) if vectors and train else vectors

        vectors = by_path(renewed, params)

        def divided(path, leaf):
            own = at(vectors, path)
            if not own:
                return leaf
            weight = leaf.astype(own["left"].dtype)
            value = own["left"][..., None, :] @ weight @ own["right"][..., None]
            return leaf / value.astype(leaf.dtype)

        params = by_path(divided, params)
        y, after = inner.run(params, state["inner"], x, key, train)
        return y, {"inner": after, "vectors": vectors}

    return Reference(init, run)


# ------------------------------------------------------------------------- how it runs
def cast(tree, dtype):
    return jax.tree.map(lambda leaf: leaf.astype(dtype), tree)


def in_bfloat16(inner):
    def run(params, state, x, key, train):
        params, x = cast((params, x), jnp.bfloat16)
        y, state = inner.run(params, state, x, key, train)
        return cast(y, jnp.float32), state

    return Reference(inner.init, run)


def never_training(inner):
    def run(params, state, x, key, train):
        return inner.run(params, state, x, key, False)

    return Reference(inner.init, run)


def the_same(inner):
    return inner


@fnn.transform
def handed_on(layer, params, state, *inputs, **named):
    return layer.apply(params, state, *inputs, **named)


@fnn.transform
def looked_at(layer, params, state, *inputs, **named):
    jax.tree.map(jnp.sin, (params, state))
    return layer.apply(params, state, *inputs, **named)


TRANSFORMS = {
    "repeat": Transform(
        lambda layer: fnn.repeat(layer, 2),
        functools.partial(copies, n=2, chained=True),
    ),
    "repeat, remat": Transform(
        lambda layer: fnn.repeat(layer, 3, remat=True, unroll=2),
        functools.partial(copies, n=3, chained=True),
    ),
    "ensemble": Transform(
        lambda layer: averaged(fnn.ensemble(layer, 2)),
        functools.partial(copies, n=2, chained=False),
    ),
    "remat": Transform(fnn.remat, the_same),
    "remat, policy": Transform(
        lambda layer: fnn.remat(layer, jax.checkpoint_policies.dots_saveable), the_same
    ),
    "mixed_precision": Transform(fnn.mixed_precision, in_bfloat16),
    "freeze": Transform(lambda layer: fnn.freeze(layer, "**/bias"), frozen),
    "lora": Transform(lambda layer: fnn.lora(layer, 2, is_matrix, alpha=4.0), adapted),
    "weight_norm": Transform(
        lambda layer: fnn.weight_norm(layer, is_matrix), of_unit_directions
    ),
    "spectral_norm": Transform(
        lambda layer: fnn.spectral_norm(layer, is_matrix), of_unit_spectrum
    ),
    "drop_connect": Transform(
        lambda layer: fnn.drop_connect(layer, 0.25, is_matrix), thinned
    ),
    "evaluating": Transform(fnn.evaluating, never_training),
    "intercept": Transform(
        lambda layer: fnn.intercept(layer, "**", lambda y: y), the_same
    ),
    "map_parts": Transform(
        lambda layer: fnn.map_parts(lambda path, part: handed_on(part), layer), the_same
    ),
    "transform": Transform(looked_at, the_same),
    "with_state": Transform(fnn.with_state, the_same),
}
