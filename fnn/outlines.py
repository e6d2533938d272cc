"""Outlines within one `init`, where equal parts on equal inputs are traced once.

Layers are values, and their parameters have shapes that follow from those of inputs: a
network of a hundred like layers needs the outline of one.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

import jax

from fnn.forms import Form, Outline

# Not kept from one `init` to the next, as JAX's options, such as x64, may change.
_found: ContextVar[dict[Any, Outline]] = ContextVar("found")


def of(form: Form, *shapes: Any) -> Outline:
    """The outline of all that an `init` draws, for shapes of a key and of inputs."""
    token = _found.set({})
    try:
        return form.outline(*shapes)
    finally:
        _found.reset(token)


def of_part(layer: Any, *shapes: Any) -> Outline:
    """The outline of a part, perhaps that of an equal one."""
    found = _found.get({})
    leaves, treedef = jax.tree.flatten(shapes)
    at = layer, treedef, tuple((type(leaf), leaf) for leaf in leaves)
    try:
        if at in found:
            return found[at]
    except TypeError:  # of an input that isn't hashable
        return layer.form.outline(*shapes)
    found[at] = layer.form.outline(*shapes)
    return found[at]
