"""Hand-written JAX: nested dicts, `jax.lax`, `jax.nn` and optax, as tutorials do it."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax
from peers.functional import Network, on_device, program
from workloads import EPS, MOMENTUM, Workload, residual_blocks, shapes

NAME, PACKAGES = "hand-written JAX", ("jax", "jaxlib", "optax")


def nested(flat):
    tree = {}
    for path, value in flat.items():
        *parents, last = path.split("/")
        inner = tree
        for name in parents:
            inner = inner.setdefault(name, {})
        inner[last] = value
    return tree


def halves(arrays):
    """Parameters and running statistics, each nested by name."""
    running = {n: a for n, a in arrays.items() if n.endswith(("/mean", "/var"))}
    rest = {n: a for n, a in arrays.items() if n not in running}
    return nested(rest), nested(running)


def programs(work: Workload, batch):
    def init(key, inputs):
        arrays = {}
        for i, (name, shape) in enumerate(shapes(work).items()):
            arrays[name] = draw(jax.random.fold_in(key, i), name, shape)
        return halves(arrays)

    if work.task == "dispatch":  # the least that JAX can do: a flat list
        network = Network(
            init=lambda key, inputs: (jax.tree.leaves(init(key, inputs)[0]), ()),
            apply=None,
            load=lambda weights: (on_device(list(weights.values())), ()),
        )
    else:
        forward = partial(FAMILIES[work.family], work.size)
        network = Network(
            init=init,
            apply=lambda p, s, inputs, train: forward(p, s, *inputs, train=train),
            load=lambda weights: halves(on_device(weights)),
        )
    return {"jit": program(work, network, batch)}


def draw(key, name, shape):
    last = name.rpartition("/")[2]
    if last in ("bias", "mean"):
        return jnp.zeros(shape)
    if last in ("scale", "var"):
        return jnp.ones(shape)
    if name.startswith(("embed/", "positions/", "token/")):
        return 0.02 * jax.random.normal(key, shape)
    return jax.nn.initializers.lecun_normal()(key, shape)


def dense(params, x):
    return x @ params["weight"] + params["bias"]


def conv(params, x, stride=1, padding="SAME", groups=1):
    y = lax.conv_general_dilated(
        x,
        params["weight"],
        (stride, stride),
        padding,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=groups,
    )
    return y + params["bias"] if "bias" in params else y


def conv3(params, x, stride=1, groups=1):
    return conv(params, x, stride, ((1, 1), (1, 1)), groups)


def batch_norm(params, state, x, train):
    if train:
        axes = tuple(range(x.ndim - 1))
        mean, var = jnp.mean(x, axes), jnp.var(x, axes)
        n = x.size // x.shape[-1]
        new = {"mean": mean, "var": var * (n / (n - 1))}
        state = {
            name: MOMENTUM * state[name] + (1 - MOMENTUM) * lax.stop_gradient(new[name])
            for name in state
        }
    else:
        mean, var = state["mean"], state["var"]
    y = (x - mean) * lax.rsqrt(var + EPS) * params["scale"] + params["bias"]
    return y, state


def layer_norm(params, x, eps=EPS):
    mean = jnp.mean(x, -1, keepdims=True)
    var = jnp.var(x, -1, keepdims=True)
    return (x - mean) * lax.rsqrt(var + eps) * params["scale"] + params["bias"]


def max_pool(x):
    window = (1, 2, 2, 1)
    return lax.reduce_window(x, -jnp.inf, lax.max, window, window, "VALID")


def mlp(size, params, state, x, train):
    for i in range(len(size["hidden"])):
        x = jax.nn.relu(dense(params[f"dense{i}"], x))
    return dense(params[f"dense{len(size['hidden'])}"], x), state


def cnn(size, params, state, x, train):
    for name in ("conv0", "conv1"):
        x = max_pool(jax.nn.relu(conv(params[name], x)))
    x = jax.nn.relu(dense(params["dense0"], x.reshape(len(x), -1)))
    return dense(params["dense1"], x), state


def separable(size, params, state, x, train):
    new = {}

    def normed(name, x, where, kept, into):
        y, into[name] = batch_norm(where[name], kept[name], x, train)
        return jax.nn.relu(y)

    x = normed("norm", conv3(params["conv"], x), params, state, new)
    for i, (_, stride) in enumerate(size["blocks"]):
        block, kept = params[f"block{i}"], state[f"block{i}"]
        into = new[f"block{i}"] = {}
        y = conv3(block["depthwise"], x, stride, groups=x.shape[-1])
        y = conv(block["pointwise"], normed("norm0", y, block, kept, into))
        x = normed("norm1", y, block, kept, into)
    return dense(params["dense"], jnp.mean(x, (1, 2))), new


def resnet(size, params, state, x, train):
    new = {}
    x, new["norm"] = batch_norm(
        params["norm"], state["norm"], conv3(params["conv"], x), train
    )
    x = jax.nn.relu(x)
    for i, (_, _, stride) in enumerate(residual_blocks(size)):
        block, kept = params[f"block{i}"], state[f"block{i}"]
        norm = partial(residual_norm, block, kept, new.setdefault(f"block{i}", {}))
        y = jax.nn.relu(norm("norm1", conv3(block["conv1"], x, stride), train))
        y = norm("norm2", conv3(block["conv2"], y), train)
        if stride > 1:
            x = norm("shortcut_norm", conv(block["shortcut"], x, stride), train)
        x = jax.nn.relu(x + y)
    return dense(params["dense"], jnp.mean(x, (1, 2))), new


def residual_norm(params, state, new, name, x, train):
    y, new[name] = batch_norm(params[name], state[name], x, train)
    return y


def lstm(size, params, state, ids, train):
    x = params["embed"]["weight"][ids].swapaxes(0, 1)
    for i in range(size["layers"]):
        x = lstm_layer(params[f"lstm{i}"], x)
    return dense(params["dense"], x.swapaxes(0, 1)), state


def lstm_layer(params, x):
    def step(carry, x):
        c, h = carry
        gates = dense(params["input"], x) + h @ params["recurrent"]["weight"]
        i, f, g, o = jnp.split(gates, 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (c, h), h

    zeros = jnp.zeros((x.shape[1], params["recurrent"]["weight"].shape[0]))
    return lax.scan(step, (zeros, zeros), x)[1]


def attention(params, x, heads, causal):
    def split(name):
        return dense(params[name], x).reshape(*x.shape[:-1], heads, -1)

    y = jax.nn.dot_product_attention(
        split("query"), split("key"), split("value"), is_causal=causal
    )
    return dense(params["out"], y.reshape(x.shape))


def transformer(size, params, x, activation, causal, eps=EPS):
    for i in range(size["layers"]):
        block = params[f"block{i}"]
        y = layer_norm(block["attention_norm"], x, eps)
        x = x + attention(block["attention"], y, size["heads"], causal)
        y = layer_norm(block["feed_forward_norm"], x, eps)
        network = block["feed_forward"]
        x = x + dense(network["down"], activation(dense(network["up"], y)))
    return layer_norm(params["norm"], x, eps)


def gpt(size, params, state, ids, train):
    table = params["embed"]["weight"]
    x = table[ids] + params["positions"]["weight"]
    return transformer(size, params, x, jax.nn.gelu, True) @ table.T, state


def vit(size, params, state, images, train):
    x = conv(params["patches"], images, size["patch"], "VALID")
    x = x.reshape(len(x), -1, x.shape[-1])
    token = jnp.broadcast_to(params["token"]["weight"], (len(x), 1, x.shape[-1]))
    x = jnp.concatenate((token, x), 1) + params["positions"]["weight"]
    x = transformer(size, params, x, partial(jax.nn.gelu, approximate=False), False)
    return dense(params["dense"], x[:, 0]), state


def vae(size, params, state, images, noise, train):
    h = jax.nn.relu(dense(params["encoder"], images))
    mean, log_variance = dense(params["mean"], h), dense(params["log_variance"], h)
    code = mean + jnp.exp(0.5 * log_variance) * noise
    h = jax.nn.relu(dense(params["decoder"], code))
    return (dense(params["out"], h), mean, log_variance), state


FAMILIES = {
    "mlp": mlp,
    "cnn": cnn,
    "separable": separable,
    "resnet": resnet,
    "lstm": lstm,
    "gpt": gpt,
    "vit": vit,
    "vae": vae,
}
