import jax
import jax.numpy as jnp
import numpy as np
import pytest

from examples import perceptron


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_all_networks_learn(seed, tmp_path, capsys):
    picture = tmp_path / "perceptron.png"
    found = perceptron.main(seed=seed, quick=True, picture=picture, progress=False)
    assert found.keys() == perceptron.RECIPES.keys()
    assert min(found.values()) >= 0.88
    assert picture.read_bytes().startswith(b"\x89PNG")
    shown = capsys.readouterr().out
    assert f"ReLU: {found['ReLU']:.2%}, published 98.40%" in shown


def test_losses_and_sizes_are_those_of_the_book():
    logits, labels = jnp.array([[0.0] * 10, [100.0] + [-100.0] * 9]), jnp.array([3, 0])
    np.testing.assert_allclose(
        perceptron.squared_error(logits, labels), [10 * 0.5 * 0.25, 0], atol=1e-6
    )
    np.testing.assert_allclose(
        perceptron.cross_entropy(logits, labels), [10 * np.log(2), 0], atol=1e-6
    )
    net = perceptron.network(30, jax.nn.sigmoid)
    params = net.init(jax.random.key(0), jnp.ones((1, 784)))
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 23_860
