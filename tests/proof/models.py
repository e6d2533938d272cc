"""Models, layer after layer as their papers write them."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

import fnn
from fnn.composition import fold
from fnn.models.autoencoders import Coded, Inferred
from tests.models import equations as eq
from tests.proof.attention import IN_FLOAT32, wave
from tests.proof.convolution import conv, conv_transpose
from tests.proof.normalization import batch_norm, layer_norm
from tests.proof.pooling import largest, pooled
from tests.proof.rows import (
    IDS,
    IMAGES,
    VECTORS,
    Errors,
    composed,
    normal,
    row,
    variant,
)
from tests.proof.transforms import copies


def relu(x):
    return np.maximum(x, 0)


# ------------------------------------------------------------------------ transformers
def blocks_norm_first(params, x, allowed, activation, norm=eq.layer_norm):
    for block in copies(params):
        h = norm(block["attention_norm"], x)
        x = x + eq.attention(block["attention"], h, h, 2, allowed)
        h = norm(block["feed_forward_norm"], x)
        x = x + eq.feed_forward(block["feed_forward"], h, activation)
    return x


def gpt(params, ids):
    x = params["embed"]["weight"][ids] + params["positions"]["weight"][: ids.shape[1]]
    allowed = eq.causal(ids.shape[1])
    x = blocks_norm_first(params["blocks"], x, allowed, eq.gelu_tanh)
    return eq.layer_norm(params["norm"], x) @ params["embed"]["weight"].T


def bert(params, ids, types):
    norm = functools.partial(eq.layer_norm, eps=1e-12)
    x = params["embed"]["weight"][ids] + params["types"]["weight"][types]
    x = norm(params["norm"], x + params["positions"]["weight"][: ids.shape[1]])
    for block in copies(params["blocks"]):
        y = eq.attention(block["attention"], x, x, 2, True)
        x = norm(block["attention_norm"], x + y)
        y = eq.feed_forward(block["feed_forward"], x, eq.gelu)
        x = norm(block["feed_forward_norm"], x + y)
    return x, np.tanh(eq.affine(params["pooler"], x[:, 0]))


def vit(params, images):
    """Patches of 2, a class token before them."""
    patches = conv("VALID", stride=(2, 2))(params["patches"], images)
    patches = patches.reshape(len(images), -1, patches.shape[-1])
    token = np.broadcast_to(params["class_token"], patches[:, :1].shape)
    x = np.concatenate([token, patches], 1) + params["positions"]["weight"]
    norm = functools.partial(eq.layer_norm, eps=1e-6)
    x = norm(
        params["norm"], blocks_norm_first(params["blocks"], x, True, eq.gelu, norm)
    )
    return eq.affine(params["head"], x[:, 0])


def encoder_decoder(params, source, target):
    def embedded(ids):
        time, n = ids.shape[1], params["embed"]["weight"].shape[1]
        waves = np.array([wave(t, n) for t in range(time)])
        return params["embed"]["weight"][ids] * np.sqrt(n) + waves

    def added(block, name, x, y):
        return eq.layer_norm(block[f"{name}_norm"], x + y)

    def network(block, x):
        y = eq.feed_forward(block["feed_forward"], x, relu)
        return added(block, "feed_forward", x, y)

    memory = embedded(source)
    for block in copies(params["encoder"]):
        y = eq.attention(block["attention"], memory, memory, 2, True)
        memory = network(block, added(block, "attention", memory, y))
    x, allowed = embedded(target), eq.causal(target.shape[1])
    for block in copies(params["decoder"]):
        y = eq.attention(block["attention"], x, x, 2, allowed)
        x = added(block, "attention", x, y)
        y = eq.attention(block["cross_attention"], x, memory, 2, True)
        x = network(block, added(block, "cross_attention", x, y))
    return x @ params["embed"]["weight"].T


# ---------------------------------------------------------------- networks for vectors
def mlp(params, x):
    for layer in params["hidden"]:
        x = np.tanh(layer_norm(layer["norm"], eq.affine(layer["linear"], x)))
    return eq.affine(params["out"], x)


# ----------------------------------------------------------------- networks for images
def halved(x):
    sizes = (x.shape[1] // 2, x.shape[2] // 2)
    return pooled(largest, (2, 2), (2, 2), (0, 0), sizes)((), x)


def lenet(params, images):
    x = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)))
    x = halved(relu(conv("VALID")(params["c1"], x)))
    x = halved(relu(conv("VALID")(params["c3"], x)))
    x = relu(conv("VALID")(params["c5"], x))[:, 0, 0]
    return eq.affine(params["out"], relu(eq.affine(params["f6"], x)))


def convolved(params, state, i, x, train, stride=1):
    """A convolution of 3x3 without bias, and its norm with its new state."""
    around = ((1, 1), (1, 1))
    y = conv(around, (stride, stride))(params[f"conv{i}"], x)
    return batch_norm(params[f"norm{i}"], state[f"norm{i}"], y, train)


def residual(params, state, x, train, stride):
    """Without parameters in the shortcut: pixels are left out, features zero."""
    y, first = convolved(params, state, 1, x, train, stride)
    y, second = convolved(params, state, 2, relu(y), train)
    more = (y.shape[-1] - x.shape[-1]) // 2
    x = np.pad(x[:, ::stride, ::stride], [(0, 0)] * 3 + [(more, more)])
    return relu(x + y), state | {"norm1": first, "norm2": second}


def resnet(params, state, images, train=False):
    """Depth 8 for CIFAR: a convolution, three blocks, a linear layer."""
    x, first = convolved(params, state, 1, images, train)
    x, stages = relu(x), []
    for i, ((block,), (before,)) in enumerate(
        zip(params["stages"], state["stages"], strict=True)
    ):
        x, after = residual(block, before, x, train, stride=2 if i else 1)
        stages.append((after,))
    logits = eq.affine(params["head"], x.mean((1, 2)))
    return logits, state | {"norm1": first, "stages": tuple(stages)}


def unet(params, images):
    """Two levels of one block each."""

    def level(block, x):
        (block,) = block
        return relu(layer_norm(block["norm"], conv()(block["conv"], x)))

    across = level(params["down"][0], images)
    x = level(params["bottom"], halved(across))
    sizes = across.shape[1:3]
    x = conv_transpose(sizes, (0, 0), (2, 2))(params["up_conv"][0], x)
    x = level(params["up"][0], np.concatenate([across, x], -1))
    return conv()(params["head"], x)


# ------------------------------------------------------------------ Boltzmann machines
def rbm(params, v):
    inputs = params["hidden_bias"] + v @ params["weight"]
    return -v @ params["visible_bias"] - np.logaddexp(0, inputs).sum(-1)


def gaussian_rbm(params, v):
    var = np.exp(2 * params["log_scale"])
    inputs = params["hidden_bias"] + (v / var) @ params["weight"]
    square = (v - params["visible_bias"]) ** 2 / (2 * var)
    return square.sum(-1) - np.logaddexp(0, inputs).sum(-1)


def boltzmann_machine(params, v):
    """Two hidden units."""
    total = -np.inf
    for h in ((0, 0), (0, 1), (1, 0), (1, 1)):
        x = np.concatenate([v, np.broadcast_to(h, (*v.shape[:-1], 2))], -1)
        pairs = np.einsum("...i,ij,...j", x, np.triu(params["weight"], 1), x)
        total = np.logaddexp(total, x @ params["bias"] + pairs)
    return -total


# ------------------------------------------------------------------------ autoencoders
def autoencoder(params, x):
    code = np.tanh(eq.affine(params["encoder"][0], x))
    return Coded(code, eq.affine(params["decoder"], code))


def tied_autoencoder(params, x):
    code = 1 / (1 + np.exp(-x @ params["weight"] - params["hidden_bias"]))
    return Coded(code, code @ params["weight"].T + params["visible_bias"])


def vae(params, x, train, key):
    """Two draws of two latents."""
    mean, log_scale = np.split(eq.affine(params["encoder"], x), 2, -1)
    noise = np.asarray(jax.random.normal(fold(key, ""), (*x.shape[:-1], 2, 2)))
    latents = mean[:, None] + np.exp(log_scale)[:, None] * noise
    return Inferred(mean, log_scale, latents, eq.affine(params["decoder"], latents))


small = {"features": 4, "heads": 2, "layers": 2}
TYPES, TARGET = np.array([[0, 0, 1], [1, 0, 1]]), np.array([[2, 0], [3, 4]])

ROWS = {
    "models.gpt": [composed(fnn.models.gpt(5, length=4, **small), IDS, equation=gpt)],
    "models.bert": [
        composed(
            fnn.models.bert(5, length=4, pooled=True, dropout=0.0, **small),
            IDS,
            TYPES,
            equation=bert,
        )
    ],
    "models.vit": [composed(fnn.models.vit(5, patch=2, **small), IMAGES, equation=vit)],
    "models.encoder_decoder": [
        composed(
            fnn.models.encoder_decoder(5, dropout=0.0, **small),
            IDS,
            TARGET,
            equation=encoder_decoder,
            errors=IN_FLOAT32,
        )
    ],
    "models.mlp": [
        composed(
            fnn.models.mlp(3, (6, 5), activation=jnp.tanh, norm=fnn.layer_norm()),
            VECTORS,
            equation=mlp,
        )
    ],
    "models.rbm": [
        row(fnn.models.rbm(3), VECTORS, equation=rbm),
        variant(fnn.models.rbm(3, gaussian=True), VECTORS, equation=gaussian_rbm),
    ],
    "models.boltzmann_machine": [
        row(fnn.models.boltzmann_machine(2), VECTORS, equation=boltzmann_machine)
    ],
    "models.autoencoder": [
        composed(
            fnn.models.autoencoder(
                fnn.sequential(fnn.dense(3), jnp.tanh), fnn.dense(4)
            ),
            VECTORS,
            equation=autoencoder,
        )
    ],
    "models.tied_autoencoder": [
        row(fnn.models.tied_autoencoder(3), VECTORS, equation=tied_autoencoder)
    ],
    "models.vae": [
        composed(
            fnn.models.vae(fnn.dense(4), fnn.dense(4), samples=2),
            VECTORS,
            equation=vae,
            train=(True,),
        )
    ],
    "models.lenet": [
        composed(fnn.models.lenet(), normal(8, 1, 28, 28, 1), equation=lenet)
    ],
    "models.resnet": [
        composed(
            fnn.models.resnet(3, depth=8, cifar=True, features=2),
            IMAGES,
            equation=resnet,
            train=(False, True),
        )
    ],
    "models.unet": [
        composed(
            fnn.models.unet(2, channels=(3, 4), blocks=1, norm=fnn.layer_norm()),
            IMAGES,
            equation=unet,
            errors=Errors(
                float32=1e-5, bfloat16=0.05
            ),  # of differences within three channels
        )
    ],
}
