"""What machines refuse, each with the exact sentence."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fnn.models import svm

X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0], [3.0, 1.0]], np.float32)
Y = np.array([1, -1, 1, -1])
LINEAR = svm.LinearSVM(jnp.ones(2), jnp.ones(()))
KERNEL = svm.KernelSVM(svm.rbf(1.0), jnp.asarray(X), jnp.ones(4), jnp.ones(()))

FITS = {
    "fit_linear": svm.fit_linear,
    "fit_kernel": lambda x, y, **options: svm.fit_kernel(svm.rbf(1.0), x, y, **options),
}


def changed(value, at=(2, 1)):
    x = X.copy()
    x[at] = value
    return x


# Of either fit: arguments, options, error and what follows its name.
WRONG_FITS = [
    ((X, Y), {"C": 0.0}, ValueError, "C above 0 and finite, got 0.0."),
    ((X, Y), {"C": -1}, ValueError, "C above 0 and finite, got -1."),
    ((X, Y), {"C": np.inf}, ValueError, "C above 0 and finite, got inf."),
    ((X, Y), {"C": "1"}, TypeError, "C to be a number, got '1'."),
    ((X, Y), {"tolerance": 0}, ValueError, "tolerance above 0, got 0."),
    ((X, Y), {"steps": 0}, ValueError, "steps of at least 1, got 0."),
    ((X, Y), {"steps": 1e3}, TypeError, "steps to be an int, got 1000.0."),
    (
        (X, Y),
        {"loss": "hinge"},
        ValueError,
        "loss to be hinge or squared_hinge, got 'hinge'.",
    ),
    ((X.tolist(), Y), {}, TypeError, "x to be an array, got list."),
    ((X.astype(np.uint8), Y), {}, TypeError, "x of floating dtype, got uint8."),
    (
        (X[:, 0], Y),
        {},
        ValueError,
        "x of shape (examples, features), none of them 0, got (4,).",
    ),
    (
        (X[:0], Y[:0]),
        {},
        ValueError,
        "x of shape (examples, features), none of them 0, got (0, 2).",
    ),
    (
        (X[:, :0], Y),
        {},
        ValueError,
        "x of shape (examples, features), none of them 0, got (4, 0).",
    ),
    (
        (changed(np.nan), Y),
        {},
        ValueError,
        "finite x, got nan in feature 1 of example 2.",
    ),
    (
        (changed(-np.inf, (0, 0)), Y),
        {},
        ValueError,
        "finite x, got -inf in feature 0 of example 0.",
    ),
    (
        (np.ones_like(X), Y),
        {},
        ValueError,
        "examples that differ, got features all constant.",
    ),
    ((X, Y.astype(float)), {}, TypeError, "y of integer dtype, got float64."),
    ((X, Y.tolist()), {}, TypeError, "y to be an array, got list."),
    ((X, Y[:3]), {}, ValueError, "y of shape (4,) or (machines, 4), got (3,)."),
    (
        (X, Y[:, None]),
        {},
        ValueError,
        "y of shape (4,) or (machines, 4), got (4, 1).",
    ),
    (
        (X, np.array([1, 2, 3, 1])),
        {},
        ValueError,
        "y of -1, 1, and 0 for an example to leave out, got 2; one_against_rest makes "
        "signs of classes.",
    ),
    ((X, np.array([1, 0, 0, 1])), {}, ValueError, "both -1 and 1 in y, got no -1."),
    ((X, -np.ones(4, int)), {}, ValueError, "both -1 and 1 in y, got no 1."),
    (
        (X, np.stack([Y, abs(Y)])),
        {},
        ValueError,
        "both -1 and 1 in y, got no -1 in row 1.",
    ),
]


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize("arguments, options, kind, sentence", WRONG_FITS)
def test_a_fit_refuses_before_it_trains(name, arguments, options, kind, sentence):
    with pytest.raises(kind) as caught:
        FITS[name](*arguments, **options)
    assert str(caught.value) == f"{name}: expected {sentence}"


CALLS = [
    (
        lambda: svm.fit_linear(X, Y, bias_penalty=-1.0),
        ValueError,
        "fit_linear: expected bias_penalty of at least 0, got -1.0.",
    ),
    (
        lambda: svm.fit_kernel("rbf", X, Y),
        TypeError,
        "fit_kernel: expected kernel to be a function, got 'rbf'.",
    ),
    (
        lambda: svm.fit_kernel(lambda x, z: x @ z.T[:, :3], X, Y),
        ValueError,
        "fit_kernel: expected a kernel that gives (4, 4) for x and x, got (4, 3).",
    ),
    # kernels
    (lambda: svm.rbf(0.0), ValueError, "rbf: expected gamma above 0, got 0.0."),
    (
        lambda: svm.rbf("scale"),
        TypeError,
        "rbf: expected gamma to be a number, got 'scale'.",
    ),
    (
        lambda: svm.polynomial(0),
        ValueError,
        "polynomial: expected degree of at least 1, got 0.",
    ),
    (
        lambda: svm.polynomial(2.5),
        TypeError,
        "polynomial: expected degree to be an int, got 2.5.",
    ),
    (
        lambda: svm.polynomial(2, gamma=-1.0),
        ValueError,
        "polynomial: expected gamma above 0, got -1.0.",
    ),
    (
        lambda: svm.polynomial(2, coef0=-1.0),
        ValueError,
        "polynomial: expected coef0 of at least 0, got -1.0.",
    ),
    # labels
    (
        lambda: svm.one_against_rest(np.array([0, 3]), 3),
        ValueError,
        "one_against_rest: expected labels from 0 to 2, got 3.",
    ),
    (
        lambda: svm.one_against_rest(np.array([0, -1]), 3),
        ValueError,
        "one_against_rest: expected labels from 0 to 2, got -1.",
    ),
    (
        lambda: svm.one_against_rest(np.array([0.0, 1.0]), 2),
        TypeError,
        "one_against_rest: expected labels of integer dtype, got float64.",
    ),
    (
        lambda: svm.one_against_rest(np.array([0, 0]), 1),
        ValueError,
        "one_against_rest: expected classes of at least 2, got 1.",
    ),
    (
        lambda: svm.one_against_one(np.zeros((0,), int), 3),
        ValueError,
        "one_against_one: expected labels of shape (examples,), got (0,).",
    ),
    (
        lambda: svm.one_against_one(np.zeros((2, 2), int), 3),
        ValueError,
        "one_against_one: expected labels of shape (examples,), got (2, 2).",
    ),
    (
        lambda: svm.votes(jnp.ones((2, 4))),
        ValueError,
        "votes: expected decisions of 1, 3, 6, 10, ... pairs on the last axis, got "
        "shape (2, 4).",
    ),
    (
        lambda: svm.votes(jnp.ones(3, int)),
        TypeError,
        "votes: expected decisions of floating dtype, got int32.",
    ),
    # machines
    (
        lambda: svm.decision_function({"weight": X}, X),
        TypeError,
        "decision_function: expected a LinearSVM or a KernelSVM, got dict.",
    ),
    (
        lambda: svm.decision_function(LINEAR, X[:, :1]),
        ValueError,
        "decision_function: expected x of shape (..., 2), got (4, 1).",
    ),
    (
        lambda: svm.predict(KERNEL, X.astype(int)),
        TypeError,
        "predict: expected x of floating dtype, got int64.",
    ),
    (
        lambda: svm.predict(KERNEL, X[:, :1]),
        ValueError,
        "predict: expected x of shape (..., 2), got (4, 1).",
    ),
    (
        lambda: svm.margins(LINEAR, X, Y[:2]),
        ValueError,
        "margins: expected y of shape (4,), got (2,).",
    ),
    (
        lambda: svm.margins(KERNEL, X, Y.astype(float)),
        TypeError,
        "margins: expected y of integer dtype, got float64.",
    ),
    (
        lambda: svm.pruned(LINEAR),
        TypeError,
        "pruned: expected a KernelSVM, got LinearSVM.",
    ),
    (
        lambda: jax.jit(svm.pruned)(KERNEL),
        TypeError,
        "pruned: expected a machine with values, outside jit, got a traced one.",
    ),
    # objectives
    (
        lambda: svm.objective(LINEAR, X, Y[None]),
        ValueError,
        "objective: expected y of shape (4,), got (1, 4).",
    ),
    (
        lambda: svm.objective(LINEAR, X, Y, C=0),
        ValueError,
        "objective: expected C above 0 and finite, got 0.",
    ),
    (
        lambda: svm.objective(LINEAR, X, Y, loss=jnp.square),
        ValueError,
        "objective: expected loss to be hinge or squared_hinge, got square.",
    ),
    (
        lambda: svm.objective(LINEAR, X, Y, bias_penalty=-1),
        ValueError,
        "objective: expected bias_penalty of at least 0, got -1.",
    ),
    (
        lambda: svm.dual_objective(LINEAR),
        TypeError,
        "dual_objective: expected a KernelSVM, got LinearSVM.",
    ),
    (
        lambda: svm.dual_objective(KERNEL, C=-1.0),
        ValueError,
        "dual_objective: expected C above 0 and finite, got -1.0.",
    ),
]


@pytest.mark.parametrize("call, kind, sentence", CALLS)
def test_a_wrong_call_says_what_is_wrong(call, kind, sentence):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == sentence
    assert type(caught.value) is kind


@pytest.mark.parametrize("name", FITS)
def test_shapes_are_checked_of_traced_examples(name):
    with pytest.raises(ValueError, match=rf"^{name}: expected y of shape \(4,\) or"):
        jax.jit(FITS[name])(X, Y[:3])
