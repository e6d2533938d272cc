"""What tracing a network costs, forward and with its gradient, beside other libraries.

24 residual blocks of two convolutions and two batch norms each, in training, written as
each library's own documentation would. Tracing is all that a library adds to a compiled
step: it is paid at every new shape, and before anything can be compiled.
"""

import argparse
import importlib

import jax
import jax.numpy as jnp
from timing import clock, describe, interleaved, ratio, table, verdict

import fnn

DEPTH, FEATURES = 24, 16
PEERS = {
    "Haiku": "peers.tracing.haiku_",
    "Linen": "peers.tracing.linen",
    "NNX": "peers.tracing.nnx",
    "Equinox": "peers.tracing.equinox_",
}


def handwritten(depth, features, x):
    def conv(weight, x):
        return jax.lax.conv_general_dilated(
            x, weight, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )

    def norm(params, state, x, momentum=0.9, eps=1e-5):
        n = x.size // x.shape[-1]
        mean, var = jnp.mean(x, (0, 1, 2)), jnp.var(x, (0, 1, 2))
        new = {"mean": mean, "var": var * (n / (n - 1))}
        state = {
            name: momentum * state[name]
            + (1 - momentum) * jax.lax.stop_gradient(new[name])
            for name in state
        }
        scale = jax.lax.rsqrt(var + eps) * params["scale"]
        return (x - mean) * scale + params["bias"], state

    def block(params, state, x):
        y, state1 = norm(params["norm1"], state["norm1"], conv(params["conv1"], x))
        y = conv(params["conv2"], jax.nn.relu(y))
        y, state2 = norm(params["norm2"], state["norm2"], y)
        return jax.nn.relu(x + y), {"norm1": state1, "norm2": state2}

    def forward(params, states, x):
        new = []
        for p, s in zip(params, states, strict=True):
            x, s = block(p, s, x)
            new.append(s)
        return x, new

    def init_block(key):
        draw = jax.nn.initializers.lecun_normal()
        keys, shape = jax.random.split(key), (3, 3, features, features)
        ones, zeros = jnp.ones(features), jnp.zeros(features)
        norm, stats = {"scale": ones, "bias": zeros}, {"mean": zeros, "var": ones}
        params = {"conv1": draw(keys[0], shape), "conv2": draw(keys[1], shape)}
        return params | {"norm1": norm, "norm2": norm}, {"norm1": stats, "norm2": stats}

    blocks = [init_block(key) for key in jax.random.split(jax.random.key(0), depth)]
    params, state = [b[0] for b in blocks], [b[1] for b in blocks]
    return forward, with_loss(forward), params, state, x


def with_fnn(depth, features, x):
    @fnn.module(
        conv1=fnn.conv(features, (3, 3), use_bias=False),
        norm1=fnn.batch_norm(),
        conv2=fnn.conv(features, (3, 3), use_bias=False),
        norm2=fnn.batch_norm(),
    )
    def block(parts, x):
        y = jax.nn.relu(parts.norm1(parts.conv1(x)))
        return jax.nn.relu(x + parts.norm2(parts.conv2(y)))

    network = fnn.sequential(*[block] * depth)
    params, state = network.init(jax.random.key(0), x)

    def forward(params, state, x):
        return network.apply(params, state, x, train=True)

    return forward, with_loss(forward), params, state, x


def with_loss(forward):
    def loss(params, state, x):
        y, state = forward(params, state, x)
        return jnp.mean(jnp.square(y)), state

    return loss


def check(name, built) -> None:
    """That a network has the parameters, convolutions and outputs of all the others."""
    forward, _, params, state, x = built
    leaves = [a for a in jax.tree.leaves(params) if a is not None]
    count = sum(a.size for a in leaves)
    y, new = jax.eval_shape(forward, params, state, x)
    convolutions = str(jax.make_jaxpr(forward)(params, state, x)).count("conv_general_")
    assert count == DEPTH * (2 * 9 * FEATURES**2 + 4 * FEATURES), (name, count)
    assert y.shape == x.shape, (name, y.shape)
    assert convolutions == 2 * DEPTH, (name, convolutions)
    values = jax.tree.leaves(jax.jit(forward)(params, state, x)[0])
    assert all(bool(jnp.isfinite(v).all()) for v in values), name
    statistics = sum(a.size for a in jax.tree.leaves(new))
    assert statistics >= DEPTH * 4 * FEATURES, (name, statistics)


def tracing(built, gradient: bool, cold: bool):
    forward, loss, *args = built

    def run() -> float:
        # A new function each time, since jax.jit remembers the ones it has traced.
        if cold:
            jax.clear_caches()
        if gradient:
            fresh = jax.value_and_grad(lambda *args: loss(*args), has_aux=True)
        else:

            def fresh(*args):
                return forward(*args)

        return clock(lambda: jax.jit(fresh).trace(*args))

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description="Tracing time beside other libraries.")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument(
        "--cold", action="store_true", help="clear JAX's caches as well"
    )
    options = parser.parse_args()
    print(describe())
    builds = {"hand-written": handwritten, "fnn": with_fnn}
    for name, module in PEERS.items():
        builds[name] = importlib.import_module(module).build
    x = jnp.ones((8, 16, 16, FEATURES))
    built = {name: build(DEPTH, FEATURES, x) for name, build in builds.items()}
    for name, network in built.items():
        check(name, network)
    for gradient in (False, True):
        runs = {n: tracing(b, gradient, options.cold) for n, b in built.items()}
        interleaved(runs, 2)
        times = interleaved(runs, options.rounds)
        what = "gradient" if gradient else "forward"
        print(f"{what}:")
        table(times, "hand-written")
        fastest = max((ratio(times, "fnn", name), name) for name in PEERS)
        verdict(f"{what}, fnn by the fastest ({fastest[1]})", fastest[0], 0.7)
        verdict(f"{what}, fnn by hand", ratio(times, "fnn", "hand-written"), 1.2)


if __name__ == "__main__":
    main()
