"""Support vector machines: the widest margin, and which examples hold it.

``python examples/support_vectors.py`` takes some ten seconds. It fits scikit-learn's
own example, one RBF machine for each pair of handwritten digits, learns from half of
them and is judged by the other: 96.89 % is published. support_vectors.png shows the
margin of a machine in the plane, and the digits that weigh most in all machines.

``--objectives`` prints what machines of four problems minimise, beside what LIBSVM and
LIBLINEAR reach. random_features.py has MNIST.
"""

import argparse

import jax
import numpy as np

import fnn
from fnn.models import svm

PUBLISHED = 0.9689  # SVC(gamma=0.001) of scikit-learn, on the second half
OBJECTIVES = {  # LIBSVM's of heart_scale, LIBLINEAR's of breast cancer, C = 1
    "heart_scale, RBF": 100.877292,
    "heart_scale, linear": 92.47338,
    "breast cancer, hinge": 26.526352,
    "breast cancer, squared hinge": 31.055638,
}


def digits():
    """Both halves of the digits: pixels from 0 to 16, and labels."""
    data = fnn.datasets.digits()
    pixels = data.images.reshape(-1, 64).astype(np.float32)
    half = len(pixels) // 2
    return (pixels[:half], data.labels[:half]), (pixels[half:], data.labels[half:])


def fit_pairs(training, held_out, seed=None):
    """Machines of all pairs of digits, and how many digits their votes get right.

    The order of examples, by the seed, is not to matter.
    """
    pixels, labels = training
    if seed is not None:
        order = np.random.default_rng(seed).permutation(len(labels))
        pixels, labels = pixels[order], labels[order]
    machines = svm.pruned(
        svm.fit_kernel(svm.rbf(0.001), pixels, svm.one_against_one(labels, 10))
    )
    votes = svm.votes(svm.decision_function(machines, held_out[0]))
    return machines, float(np.mean(np.argmax(votes, -1) == held_out[1]))


def objectives():
    """By problem: the objective of the best machine, in float64."""
    with jax.enable_x64(True):
        (x, y), cancer = fnn.datasets.heart_scale(), fnn.datasets.breast_cancer()
        z = (cancer.inputs - cancer.inputs.mean(0)) / cancer.inputs.std(0)
        signs = 2 * cancer.labels - 1
        machines = [
            svm.fit_kernel(svm.rbf(1 / 13), x, y, tolerance=1e-7),
            svm.fit_linear(x, y, tolerance=1e-9),
        ]
        found = [svm.objective(machine, x, y) for machine in machines]
        for loss in (svm.hinge, svm.squared_hinge):
            options = {"loss": loss, "bias_penalty": 1.0}
            machine = svm.fit_linear(z, signs, tolerance=1e-9, **options)
            found.append(svm.objective(machine, z, signs, **options))
    return dict(zip(OBJECTIVES, map(float, found), strict=True))


def plane(seed=0, count=60):
    """Two half moons that reach into each other."""
    random = np.random.default_rng(seed)
    angles = random.uniform(0, np.pi, (2, count))
    moons = np.stack([np.cos(angles), np.sin(angles)], -1)
    moons[1] = np.array([1, 0.5]) - moons[1]
    x = moons + 0.2 * random.normal(size=moons.shape)
    return x.reshape(-1, 2).astype(np.float32), np.repeat([1, -1], count)


def draw(path, machines, title):
    """The plane with its margin, and the digits that weigh most in all machines."""
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(11, 5), layout="constrained")
    grid = figure.add_gridspec(1, 2)
    axis, right = figure.add_subplot(grid[0]), figure.add_subfigure(grid[1])
    x, y = plane()
    machine = svm.pruned(svm.fit_kernel(svm.rbf(2.0), x, y, C=1.0))
    across, up = np.meshgrid(np.linspace(-1.6, 2.6, 200), np.linspace(-1.3, 1.8, 200))
    places = np.stack([across, up], -1).astype(np.float32)
    decisions = np.asarray(svm.decision_function(machine, places))
    colors = {"cmap": "RdBu", "vmin": -2.5, "vmax": 2.5}
    axis.contourf(across, up, decisions, 20, alpha=0.6, **colors)
    lines = {"levels": [-1, 0, 1], "linestyles": ["--", "-", "--"], "colors": "black"}
    axis.contour(across, up, decisions, **lines)
    axis.scatter(*x.T, c=2 * y, s=25, **colors)
    hollow = {"facecolors": "none", "edgecolors": "black", "s": 90}
    axis.scatter(*np.transpose(machine.vectors), **hollow)
    count = len(machine.vectors)
    axis.set_title(f"RBF: {count} of {len(x)} points hold the margin (dashed)")
    axis.set(xticks=[], yticks=[])

    weights = np.abs(machines.dual_coef).sum(axis=0)
    right.suptitle(f"{title}\n{len(weights)} support vectors, those that weigh most:")
    heaviest = np.argsort(-weights)
    for place, i in zip(right.subplots(4, 6).ravel(), heaviest, strict=False):
        place.axis("off")
        place.imshow(machines.vectors[i].reshape(8, 8), cmap="gray_r")
        place.set_title(f"{weights[i]:.1f}", fontsize=9)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(seed=None, picture=None):
    """Fits, prints what was right beside what is published, and returns it."""
    training, held_out = digits()
    machines, right = fit_pairs(training, held_out, seed)
    said = f"held-out accuracy {right:.2%} (published: {PUBLISHED:.2%})"
    print(f"{said}, {len(machines.vectors)} of {len(training[1])} support vectors")
    if picture:
        draw(picture, machines, said)
        print(f"drawn: {picture}")
    return right, len(machines.vectors)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Fits support vector machines.")
    parser.add_argument("--objectives", action="store_true", help="of four problems")
    parser.add_argument("--seed", type=int, help="of the order of examples")
    parser.add_argument("--picture", default="support_vectors.png", help="its path")
    parser.add_argument("--quick", action="store_true", help="no picture")
    options = parser.parse_args()
    if options.objectives:
        for name, found in objectives().items():
            print(f"{name}: {found:.6f}, published {OBJECTIVES[name]}")
    else:
        main(options.seed, None if options.quick else options.picture)
