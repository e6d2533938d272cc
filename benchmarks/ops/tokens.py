"""Milliseconds of what a vocabulary costs: its cross-entropy, and its table's gradient.

What fnn's users have, optax's loss and XLA's scatter, and the forms that were tried in
their place; none is in `fnn/ops`.
"""

import statistics

import jax
import jax.numpy as jnp
import optax

import fnn
from benchmarks.ops.convolution import seconds
from benchmarks.timing import describe, interleaved, ratio

# tokens, vocabulary, features
SHAPES = [(768, 65, 128), (2048, 4096, 256), (2048, 32000, 512)]


def by_one_hot(logits, labels):
    """A product in the place of a gather, whose gradient is no scatter."""
    one_hot = jax.nn.one_hot(labels, logits.shape[-1])
    return jax.nn.logsumexp(logits, -1) - jnp.sum(one_hot * logits, -1)


def losses(tokens, vocabulary, _):
    keys = jax.random.split(jax.random.key(0), 2)
    logits = jax.random.normal(keys[0], (tokens, vocabulary))
    labels = jax.random.randint(keys[1], (tokens,), 0, vocabulary)
    by_optax = optax.softmax_cross_entropy_with_integer_labels

    def slope(loss):
        return jax.jit(jax.value_and_grad(lambda x, y: jnp.mean(loss(x, y))))

    forms = {"optax": by_optax, "one-hot": by_one_hot}
    return {name: (slope(f), (logits, labels)) for name, f in forms.items()}


def tables(tokens, vocabulary, features):
    keys = jax.random.split(jax.random.key(0), 2)
    ids = jax.random.randint(keys[0], (tokens,), 0, vocabulary)
    dy = jax.random.normal(keys[1], (tokens, features))
    embed = fnn.embed(vocabulary, features)
    params = embed.init(jax.random.key(1), ids)

    def scattered(ids, dy):
        return jax.vjp(lambda p: embed.apply(p, ids), params)[1](dy)[0]["weight"]

    def by_product(ids, dy):
        return jax.nn.one_hot(ids, vocabulary).T @ dy

    def ordered(ids, dy):
        order = jnp.argsort(ids)
        options = {"num_segments": vocabulary, "indices_are_sorted": True}
        return jax.ops.segment_sum(dy[order], ids[order], **options)

    forms = {"scatter": scattered, "one-hot": by_product, "sorted": ordered}
    return {name: (jax.jit(f), (ids, dy)) for name, f in forms.items()}


def main(rounds: int = 15) -> None:
    print(describe())
    for kind in (losses, tables):
        print(kind.__name__)
        for shape in SHAPES:
            runs = {name: seconds(*form) for name, form in kind(*shape).items()}
            interleaved(runs, 2)  # compiled here
            times, first = interleaved(runs, rounds), next(iter(runs))
            said = (
                f"{name} {1e3 * statistics.median(times[name]):8.3f} "
                f"{ratio(times, name, first):5.2f} x"
                for name in runs
            )
            print(f"{shape!s:20}", *said, sep="  ", flush=True)


if __name__ == "__main__":
    main()
