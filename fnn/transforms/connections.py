"""`drop_connect`: weights zeroed at random in training."""

from __future__ import annotations

from typing import Any

from jax import Array
from jax.tree_util import tree_map_with_path

from fnn.composition import fold
from fnn.contract import as_layer, constructor, make
from fnn.forms import form_around
from fnn.layers.checks import check_array, check_number
from fnn.ops.dropping import dropped
from fnn.signatures import Takes
from fnn.transforms.reparameterization import WEIGHTS, name_of
from fnn.tree import Pattern, check_pattern, matching, paths

DRAWS = Takes(draws=True, needs_key=True, train=True)


@constructor
def drop_connect(layer: Any, rate: float | Array, pattern: Pattern = WEIGHTS) -> Any:
    """The layer, some of whose weights are zeroed at random in training.

    ``weight * kept / (1 - rate)``, where ``kept`` is 0 with probability ``rate``, else
    1. It is drawn once a call: examples of a batch share it, and so do all steps of a
    `recurrent` that the layer is, as a recurrent weight wants it. Without
    ``train=True``, the weights are as they are; in training it needs a key.

    Params: the layer's.

    Args:
      layer: A layer.
      rate: Probability of *zeroing* a weight, in [0, 1), to the nearest multiple of
        ``2 ** -16``; may be traced.
      pattern: Which parameters, by path; they are floating or complex.

    Raises:
      TypeError: If ``rate`` is no number, the pattern none, or one of the parameters is
        not floating or complex.
      ValueError: If ``rate`` is out of range, the pattern matches no parameter, or
        ``apply`` gets ``train=True`` and no key.

    Example:
      >>> lstm = fnn.recurrent(fnn.lstm_cell(3))
      >>> net = fnn.drop_connect(lstm, 0.5, "recurrent/weight")
      >>> x = jnp.ones((2, 5, 4))
      >>> params = net.init(jax.random.key(0), x)
      >>> net.apply(params, x, key=jax.random.key(1), train=True).shape
      (2, 5, 3)

    References:
      Wan, Zeiler, Zhang, LeCun and Fergus, Regularization of neural networks using
      DropConnect, 2013, scaled in training, as dropout is; Merity, Keskar and Socher,
      Regularizing and optimizing LSTM language models, 2018, section 2, for recurrent
      weights.
    """
    layer = as_layer(layer, "drop_connect")
    check_number("drop_connect", "rate", rate, "in [0, 1)", lambda v: 0 <= v < 1)
    check_pattern(pattern, "drop_connect")
    form = layer.form

    def chosen(params):
        flat = paths(params)
        hit = matching(pattern, flat, "drop_connect")
        for name in sorted(hit):
            check_array("drop_connect", flat[name], name=name or "params")
        return hit

    def thinned(params, key):
        hit, key = chosen(params), fold(key, "/kept")  # not the layer's own key

        def one(path, leaf):
            name = name_of(path)
            if name not in hit:
                return leaf
            return dropped(leaf, rate, fold(key, name), leaf.shape)

        return tree_map_with_path(one, params)

    def outline(key, inputs, named):
        line = form.outline(key, inputs, named)
        chosen(line.params)
        return line

    def run(params, state, inputs, named, key, train):
        DRAWS.options("drop_connect", key, train)
        params = thinned(params, key) if train else params
        return form.run(params, state, inputs, named, key, train)

    thin = form_around(
        layer,
        name="drop_connect",
        outline=outline,
        run=run,
        draws=True,
        rebuild=lambda part: drop_connect(part, rate, pattern),
    )
    return make(thin, drop_connect)
