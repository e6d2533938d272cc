"""ResNet-20 on CIFAR-10: with weights that others trained, or trained here.

``python examples/cifar10.py`` reads the weights of a published PyTorch model of 20
layers whose shortcuts have no parameters (option A of He et al., "Deep residual
learning for image recognition", 2015). It tells 91.73 % of the 10,000 test images; so
must it here, to the image. Draws cifar10.png: what it takes for what, and the mistakes
that it is surest of.

``--train`` trains one instead, where the 50,000 training images are there, as section
4.2 of the paper has it: 64,000 steps, the rate divided by ten after 32,000 and 48,000.
The paper's reads 91.25 %. After 4,000 steps it reads 83.43 % here, in 38 minutes; all
64,000, nine hours on two cores, were not tried.
"""

import argparse

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

import fnn

cross_entropy = optax.softmax_cross_entropy_with_integer_labels
MEAN, DEVIATION = np.array([(0.485, 0.456, 0.406), (0.229, 0.224, 0.225)], "float32")
CLASSES = (
    *("plane", "car", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
SHIFT = 4  # pixels at most by which training images are moved


def network():
    return fnn.models.resnet(10, depth=20, cifar=True)


def scaled(images):
    """Pixels of mean 0 and deviation 1, grey ones in three channels too."""
    return ((images / np.float32(255)) - MEAN) / DEVIATION


def published():
    """The parameters and statistics of the published model, under the names of fnn."""
    weights = fnn.datasets.read("resnet20_cifar10.safetensors")
    names = fnn.interop.resnet_names(head="linear")
    like = jax.eval_shape(network().init, jax.random.key(0), jnp.ones((1, 32, 32, 3)))
    tensors = fnn.interop.read_safetensors(weights)
    return fnn.interop.from_names(tensors, names, like=like)


def augment(images, *, key, train):
    """In training, each image is flipped or not, and moved a little."""
    if not train:
        return images
    flipping, moving = jax.random.split(key)
    flipped = jax.random.bernoulli(flipping, shape=(len(images), 1, 1, 1))
    images = jnp.where(flipped, images[:, :, ::-1], images)
    wide = jnp.pad(images, ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT), (0, 0)))
    corners = jax.random.randint(moving, (len(images), 2), 0, 2 * SHIFT + 1)

    def window(image, corner):
        return lax.dynamic_slice(image, (*corner, 0), images.shape[1:])

    return jax.vmap(window)(wide, corners)


def trained(images, labels, steps, size, *, seed, progress):
    """Parameters and statistics after so many steps on training images."""
    net = fnn.sequential(augment, network())
    objective = fnn.training.supervised(net, cross_entropy)
    init_key, order_key = jax.random.split(jax.random.key(seed))
    batches = fnn.training.batches((images, labels), size, key=order_key)
    falls = {steps // 2: 0.1, 3 * steps // 4: 0.1}
    rates = optax.piecewise_constant_schedule(0.1, falls)
    decay, descent = optax.add_decayed_weights(1e-4), optax.sgd(rates, momentum=0.9)
    trainer = fnn.training.trainer(objective, optax.chain(decay, descent))
    state = trainer.init(init_key, (images, labels))
    state, _ = fnn.training.fit(trainer, state, batches, steps=steps, progress=progress)
    return state.params[1], state.state[1]


def draw(path, images, labels, probabilities):
    """What is taken for what, and the mistakes that the network is surest of."""
    import matplotlib.pyplot as plt
    from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix

    guesses = probabilities.argmax(-1)
    figure = plt.figure(figsize=(13, 5), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(2, 3), squeeze=False)[0]
    table = confusion_matrix(labels, guesses, labels=range(10))
    style = {"cmap": "Blues", "colorbar": False, "text_kw": {"size": 7}}
    shown = ConfusionMatrixDisplay(table, display_labels=CLASSES)
    shown.plot(ax=left.subplots(), xticks_rotation="vertical", **style)
    sure = np.where(guesses == labels, 0, probabilities.max(-1))
    for axis, i in zip(right.subplots(3, 6).ravel(), np.argsort(-sure), strict=False):
        axis.imshow(images[i])
        axis.set_title(f"{CLASSES[guesses[i]]}\n({CLASSES[labels[i]]})", size=8)
        axis.axis("off")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(train=False, steps=None, seed=0, quick=False, picture=None, progress=True):
    """Prints the accuracy on test images; returns it and their mean loss."""
    if train or quick:
        data = fnn.datasets.small_mnist() if quick else fnn.datasets.cifar10()
        (pixels, classes), (images, labels), *_ = data
        steps, size = (steps or 50, 32) if quick else (steps or 64_000, 128)
        options = {"seed": seed, "progress": progress}
        params, state = trained(scaled(pixels), classes, steps, size, **options)
    else:
        images, labels = fnn.datasets.cifar10_test()
        params, state = published()
    forward = jax.jit(lambda x: network().apply(params, state, x)[0])
    batches = fnn.training.batches(scaled(images), 500)
    logits = np.concatenate([*map(forward, batches)])
    loss, right = cross_entropy(logits, labels).mean(), logits.argmax(-1) == labels
    goal = "91.25%" if train else "91.73%"
    print(f"ResNet-20: {right.mean():.2%}, published {goal}; loss {loss:.4f} nats")
    if picture:
        draw(picture, images, labels, np.asarray(jax.nn.softmax(logits)))
        print(f"drawn: {picture}")
    return float(right.mean()), float(loss)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Tells photographs of ten kinds.")
    parser.add_argument(
        "--train", action="store_true", help="instead of reading weights"
    )
    parser.add_argument("--steps", type=int, help="of training (64,000)")
    parser.add_argument("--seed", type=int, default=0, help="of the training")
    parser.add_argument("--picture", default="cifar10.png", help="where to draw it")
    parser.add_argument(
        "--quick", action="store_true", help="50 steps, on 4,000 digits"
    )
    main(**vars(parser.parse_args()))
