"""The table: which rows there are, and what is counted of their names."""

import ast
import inspect
import re
from collections import Counter
from pathlib import Path

import fnn
from tests.proof import (
    attention,
    composition,
    convolution,
    linear,
    models,
    normalization,
    pooling,
    recurrence,
    resizing,
    stochastic,
    transforms,
)
from tests.proof.rows import Row

FAMILIES = (
    linear,
    convolution,
    pooling,
    resizing,
    normalization,
    stochastic,
    recurrence,
    attention,
    composition,
    transforms,
    models,
)
ROWS: dict[str, list[Row]] = {
    name: rows for family in FAMILIES for name, rows in family.ROWS.items()
}
FILES = {
    name: f"{family.__name__.split('.')[-1]}.py"
    for family in FAMILIES
    for name in family.ROWS
}
TESTS = Path(__file__).parents[1]

# What is public and makes no layer: what it is, and where it is tested.
NO_LAYERS = {
    "Layer": ("the class of layers", "test_contract.py"),
    "StatefulLayer": ("the class of layers that keep state", "test_contract.py"),
    "datasets": ("a module", "datasets"),
    "from_paths": ("a function of trees", "test_tree.py"),
    "interop": ("a module", "interop"),
    "merge": ("a function of trees", "test_tree.py"),
    "merge_lora": ("a function of params", "transforms/test_reparameterization.py"),
    "models": ("a module, whose models have rows", "models"),
    "models.generate": ("a function of layers", "models/test_generation.py"),
    "models.sample_logits": ("a function of logits", "models/test_generation.py"),
    "paths": ("a function of trees", "test_tree.py"),
    "split": ("a function of trees", "test_tree.py"),
    "decoding_params": ("a function of params", "transforms/test_stepping.py"),
    "stack_params": ("a function of params", "transforms/test_copies.py"),
    "summary": ("a function of layers", "test_inspection.py"),
    "testing": ("a module", "testing"),
    "training": ("a module", "training"),
    "unstack_params": ("a function of params", "transforms/test_copies.py"),
}


def public_names() -> set[str]:
    """All that fnn exports, and all its models."""
    models = {
        f"models.{name}"
        for name in fnn.models.__all__
        if not inspect.ismodule(getattr(fnn.models, name))
    }
    return {*fnn.__all__, *models}


def messages() -> dict[str, int]:
    """How many different sentences tests expect of the errors of each name."""
    sentences = {
        node.value
        for path in TESTS.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    # "dense: expected ...", of a part "mlp, norm: expected ...", or a pattern with ^.
    heads = (re.match(r"\^?(\w+)(, [\w/]+)?: expected ", text) for text in sentences)
    counts = Counter(head[1] for head in heads if head)
    found = {name: counts[name.removeprefix("models.")] for name in ROWS}
    return {name: count for name, count in found.items() if count}
