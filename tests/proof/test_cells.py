"""Every cell of the table: each column of each row."""

import functools
from collections.abc import Iterator
from dataclasses import replace

import jax
import jax.numpy as jnp
import pytest

import fnn
from tests.proof.columns import CHECKS, check_derivatives, check_errors
from tests.proof.linear import affine
from tests.proof.rows import EXACT, VECTORS, row
from tests.proof.table import ROWS

OPTIMIZATIONS = "jax_disable_most_optimizations"


@pytest.fixture(autouse=True)
def _few_optimizations() -> Iterator[None]:
    """Most of the time is XLA's, for programs that run but a few times."""
    before = jax.config.values[OPTIMIZATIONS]
    jax.config.update(OPTIMIZATIONS, True)
    yield
    jax.config.update(OPTIMIZATIONS, before)


QUICK = ("float64", "contract")  # what a reader's short run of the tests measures


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(column, marks=[pytest.mark.slow] * (column not in QUICK))
        for column in CHECKS
    ],
)
@pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, id=f"{name}-{i}")
        for name, rows in ROWS.items()
        for i, row in enumerate(rows)
    ],
)
def test_cell(row, column):
    if column not in row.skip:
        CHECKS[column](row)


def test_another_equation_fails():
    almost = row(fnn.dense(3), VECTORS, equation=lambda p, x: affine(p, x) + 1e-12)
    with pytest.raises(AssertionError, match="error of at most 1e-14 in float64"):
        check_errors(almost, "float64")
    check_errors(almost, "float32")
    with pytest.raises(AssertionError, match="error of at most 0 in float32"):
        check_errors(replace(almost, errors=EXACT), "float32")


def test_a_wrong_second_derivative_fails():
    @jax.custom_jvp
    def wrong(x):
        return jnp.sin(x)

    # Right to first order: only the derivative of its derivative is 1 % off.
    @jax.custom_jvp
    def slope(x):
        return jnp.cos(x)

    wrong.defjvp(lambda x, dx: (jnp.sin(x[0]), slope(x[0]) * dx[0]))
    slope.defjvp(lambda x, dx: (jnp.cos(x[0]), -1.01 * jnp.sin(x[0]) * dx[0]))
    layer = fnn.sequential(fnn.dense(3), functools.partial(wrong))
    check_derivatives(row(layer, VECTORS, equation=affine), order=1)
    with pytest.raises(AssertionError, match="check_gradients: expected"):
        check_derivatives(row(layer, VECTORS, equation=affine), order=2)


def test_a_frozen_parameter_with_a_gradient_fails():
    loose = row(fnn.dense(3), VECTORS, equation=affine, frozen="bias")
    with pytest.raises(AssertionError):
        check_derivatives(loose, order=1)
