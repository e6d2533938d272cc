import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fnn.ops.linear_scan import at_once, in_turn, linear_scan
from fnn.testing import check_gradients

RANDOM = np.random.default_rng(0)


def normal(*shape):
    return RANDOM.normal(size=shape)


CASES = {
    "real": (normal(7, 3), normal(7, 3)),
    "broadcast": (normal(7, 1, 3), normal(7, 2, 3)),
    "one step": (normal(1, 3), normal(1, 3)),
    "complex": (normal(6, 2) + 1j * normal(6, 2), normal(6, 2) + 1j * normal(6, 2)),
}


def by_hand(decays, u, reverse):
    h, found = np.zeros(u.shape[1:]), []
    order = slice(None, None, -1 if reverse else 1)
    for decay, x in zip(decays[order], u[order], strict=True):
        h = decay * h + x
        found.append(h)
    return np.stack(found)[order]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("form", [linear_scan, at_once, in_turn])
def test_values(form, name, reverse):
    decays, u = CASES[name]
    with jax.enable_x64(True):
        found = jax.jit(functools.partial(form, reverse=reverse))(decays, u)
    np.testing.assert_allclose(found, by_hand(decays, u, reverse), rtol=1e-13)


@pytest.mark.parametrize("form", [at_once, in_turn])
def test_derivatives(form):
    check_gradients(form, normal(3, 1, 2), normal(3, 2, 2), order=2)


def test_each_of_a_batch():
    decays, u = (jnp.asarray(a, jnp.float32) for a in CASES["real"])
    y = jax.vmap(linear_scan, (1, 1), 1)(decays, u)
    np.testing.assert_allclose(y, linear_scan(decays, u), rtol=1e-6)


@pytest.mark.parametrize(
    "platform, form", [("cpu", in_turn), ("cuda", at_once), ("tpu", at_once)]
)
def test_each_platform_has_its_form(platform, form):
    def lowered(function):
        gradients = jax.jit(jax.grad(lambda *args: jnp.sum(function(*args)), (0, 1)))
        traced = gradients.trace(*(jnp.asarray(a, "float32") for a in CASES["real"]))
        text = traced.lower(lowering_platforms=(platform,)).as_text()
        return {word: text.count(f"stablehlo.{word}") for word in ("while", "slice")}

    assert lowered(linear_scan) == lowered(form)
    assert lowered(in_turn)["while"] > lowered(at_once)["while"] == 0
