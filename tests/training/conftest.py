"""Small problems that training tests share."""

import os
import signal
import time
from collections.abc import Callable, Iterator

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import fnn


@pytest.fixture
def data() -> tuple[np.ndarray, np.ndarray]:
    """Ten examples of a linear map from three numbers to two."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(10, 3)).astype(np.float32)
    return x, x @ rng.normal(size=(3, 2)).astype(np.float32)


@pytest.fixture
def linear() -> fnn.training.Trainer:
    """Least squares by gradient descent."""
    objective = fnn.training.supervised(fnn.dense(2), optax.l2_loss)
    return fnn.training.trainer(objective, optax.sgd(0.1))


@pytest.fixture
def by_hand() -> Callable[..., fnn.training.Trainer]:
    """A trainer without JAX: its state is a sum, its metrics what a function says."""

    def make(metrics=lambda total, batch: {"loss": total}, **more):
        def step(total, batch):
            return total + np.sum(batch), metrics(total, batch)

        return fnn.training.Trainer(lambda key, batch: 0.0, step, **more)

    return make


@pytest.fixture
def poisoned(data) -> list:
    """Batches of one example each, the fifth of which is not finite."""
    x, y = data
    x = np.array(x)
    x[4] = jnp.inf
    return [(x[i : i + 1], y[i : i + 1]) for i in range(len(x))]


@pytest.fixture
def python_handles_interrupts() -> Iterator[None]:
    """As in a program on a terminal: a shell has what it runs behind ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def interrupt_self(python_handles_interrupts) -> Callable[[], None]:
    """Sends this process what Ctrl-C would, and gives it time to arrive."""

    def interrupt():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)

    return interrupt
