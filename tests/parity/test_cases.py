"""Each layer against PyTorch: values, gradients and new state, with shared weights."""

import dataclasses

import jax.numpy as jnp
import pytest
import torch
from torch_cases import CASES, NO_COUNTERPART, normalization
from torch_cases.comparison import Case, agreements, compare, floats

import fnn


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=f"{name}: {case.id}")
        for name, cases in CASES.items()
        for case in cases
    ],
)
def test_layer_is_that_of_pytorch(case):
    errors = compare(case)
    wrong = {of: error for of, error in errors.items() if not error <= case.tolerance}
    assert not wrong, wrong


# --------------------------------------------------------------------------- the table
def test_each_public_layer_has_cases_or_a_reason():
    made = {name: getattr(fnn, name) for name in fnn.__all__}
    modules = {name: getattr(value, "__module__", "") for name, value in made.items()}
    layers = {name for name, where in modules.items() if where.startswith("fnn.layers")}
    missing = layers - {*CASES} - {*NO_COUNTERPART}
    assert not missing, missing
    assert {*CASES} <= {*made}
    assert not {*CASES} & {*NO_COUNTERPART}


def test_there_are_cases_enough_and_each_has_a_name_of_its_own():
    assert sum(map(len, CASES.values())) >= 120
    for cases in CASES.values():
        assert len({case.id for case in cases}) == len(cases)


def test_agreements_count_cases_and_arrays():
    rows = {name: CASES[name] for name in ("dense", "flatten")}
    found = agreements(rows)
    assert [*found] == [*rows] and [*found["dense"]] == ["float64", "float32"]
    many, one = found["dense"]["float64"], found["dense"]["float32"]
    # Of each an output, and gradients by the input, weight and bias.
    assert (many.cases, many.arrays) == (3, 11) and (one.cases, one.arrays) == (1, 4)
    assert 0 < many.worst < 1e-14 < one.worst < 1e-5


# ----------------------------------------------------------- a comparison that can fail
def doubled(gain):
    return Case("doubled", lambda x: 2 * jnp.sin(x), gain, (floats(3, 4),))


def test_a_wrong_value_and_a_wrong_gradient_are_found():
    right = compare(doubled(lambda tensors, x: 2 * x.sin()))
    assert [*right] == ["output", "gradient by inputs/0"]
    assert max(right.values()) < 1e-15
    value = compare(doubled(lambda tensors, x: 2 * x.sin() + 1e-6))
    assert value["output"] > 1e-7 and value["gradient by inputs/0"] < 1e-15
    gradient = compare(doubled(lambda tensors, x: x.sin() + x.sin().detach()))
    assert gradient["output"] < 1e-15 and gradient["gradient by inputs/0"] > 0.1
    lost = compare(doubled(lambda tensors, x: x.new_tensor(float("nan")) * x))
    assert not lost["output"] <= 1


def test_a_gradient_that_never_arrives_is_found():
    case = dataclasses.replace(
        CASES["dense"][0],
        theirs=lambda t, x: (
            torch.nn.functional.linear(x, t["weight"].T) + 0 * t["bias"]
        ),
    )
    assert compare(case)["gradient by params/bias"] > 0.5


def test_a_wrong_new_state_is_found():
    case = Case(
        "momentum",
        fnn.batch_norm(momentum=0.2),
        normalization.batch(True),
        (floats(5, 3),),
        train=True,
    )
    errors = compare(case)
    assert errors["output"] < 1e-14 and errors["new state mean"] > 1e-3


def test_what_another_shape_or_another_part_gives_is_refused():
    case = Case(
        "wider", fnn.dense(3), lambda t, x: x[:1] @ t["weight"], (floats(2, 4),)
    )
    with pytest.raises(ValueError, match="expected output of shape"):
        compare(case)
    case = dataclasses.replace(case, theirs=lambda t, x: {"y": x @ t["weight"]})
    with pytest.raises(ValueError, match="expected output"):
        compare(case)
