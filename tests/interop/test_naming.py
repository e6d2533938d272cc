"""Params by the names of others: there and back, to a sharding, and what is refused."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn
from fnn import interop
from fnn.interop import Names, Row

IDS = np.zeros((1, 4), np.int32)
PHOTOGRAPHS = np.zeros((1, 64, 64, 3), np.float32)
SMALL = np.zeros((1, 8, 8, 3), np.float32)
BERT = {"length": 8, "features": 4, "heads": 2, "layers": 3, "hidden": 6}
GPT = {"length": 8, "features": 4, "heads": 2, "layers": 3}
VIT = {"patch": 4, "features": 4, "heads": 2, "layers": 2, "hidden": 6}
AKAMASTER = interop.resnet_names(head="linear", shortcut="shortcut", prefix="module.")
# Each model with a table, what it is applied to, and how many tensors it makes.
MODELS = {
    "resnet 18": (
        fnn.models.resnet(5, depth=18, features=2),
        interop.resnet_names(),
        PHOTOGRAPHS,
        102,
    ),
    "resnet 50": (
        fnn.models.resnet(5, depth=50, features=2),
        interop.resnet_names(),
        PHOTOGRAPHS,
        267,
    ),
    "resnet 20": (
        fnn.models.resnet(10, depth=20, cifar=True, features=2, projection=True),
        AKAMASTER,
        SMALL,
        107,
    ),
    "bert": (
        fnn.models.bert(11, pooled=True, **BERT),
        interop.bert_names(),
        IDS,
        55,
    ),
    "gpt": (fnn.models.gpt(11, **GPT), interop.gpt_names(), IDS, 40),
    "gpt with a head": (
        fnn.models.gpt(11, tied=False, **GPT),
        interop.gpt_names(prefix=""),
        IDS,
        41,
    ),
    "vit": (fnn.models.vit(5, **VIT), interop.vit_names(), SMALL, 40),
}


def shapes(net, x):
    return jax.eval_shape(net.init, jax.random.key(0), x)


def distinct(like):
    """A tree of arrays, no two values of which are the same."""
    leaves, treedef = jax.tree.flatten(like)
    ends = np.cumsum([leaf.size for leaf in leaves])
    made = [
        np.arange(end - leaf.size, end, dtype=leaf.dtype).reshape(leaf.shape)
        for leaf, end in zip(leaves, ends, strict=True)
    ]
    return jax.tree.unflatten(treedef, made)


def same(found, wanted):
    assert jax.tree.structure(found) == jax.tree.structure(wanted)
    jax.tree.map(np.testing.assert_array_equal, found, wanted)


@pytest.mark.parametrize("name", MODELS)
def test_there_and_back(name, tmp_path):
    net, names, x, count = MODELS[name]
    like = shapes(net, x)
    tree, path = distinct(like), tmp_path / "some.safetensors"
    theirs = interop.to_names(tree, names)
    assert len(theirs) == count
    values = np.concatenate([array.ravel() for array in theirs.values()])
    assert np.array_equal(np.sort(values), np.arange(len(values)))  # each one once
    interop.write_safetensors(path, theirs)
    found = interop.from_names(interop.read_safetensors(path), names, like=like)
    same(found, tree)
    assert all(type(leaf) is not np.ndarray for leaf in jax.tree.leaves(found))


def test_names_and_axes_of_gpt():
    net, names, x, _ = MODELS["gpt"]
    tree = distinct(shapes(net, x))
    theirs = interop.to_names(tree, names)
    block = {name for name in theirs if ".h.1." in name}
    kinds = ("ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj")
    assert block == {
        f"transformer.h.1.{kind}.{end}" for kind in kinds for end in ("weight", "bias")
    }
    fused, attention = theirs["transformer.h.1.attn.c_attn.weight"], tree["blocks"]
    for i, part in enumerate(("query", "key", "value")):
        ours = attention["attention"][part]["weight"][1]
        np.testing.assert_array_equal(fused[:, 4 * i : 4 * i + 4], ours)
    up = theirs["transformer.h.2.mlp.c_fc.weight"]
    np.testing.assert_array_equal(up, tree["blocks"]["feed_forward"]["up"]["weight"][2])


def test_axes_of_convolutions_and_linear_layers():
    net, names, x, _ = MODELS["resnet 20"]
    params, state = tree = distinct(shapes(net, x))
    theirs = interop.to_names(tree, names)
    block = params["stages"][1][0]
    np.testing.assert_array_equal(
        theirs["module.layer2.0.shortcut.0.weight"],
        block["shortcut"]["conv"]["weight"].transpose(3, 2, 0, 1),
    )
    np.testing.assert_array_equal(
        theirs["module.layer2.0.bn2.running_var"],
        state["stages"][1][0]["norm2"]["var"],
    )
    np.testing.assert_array_equal(
        theirs["module.linear.weight"], params["head"]["weight"].T
    )


def of_norm(name):
    return {f"{name}.{k}" for k in ("weight", "bias", "running_mean", "running_var")}


def test_names_of_torchvision():
    """Those of its ResNet-18, written out; what counts batches aside."""
    net, names, x, _ = MODELS["resnet 18"]
    expected = {"conv1.weight", "fc.weight", "fc.bias"} | of_norm("bn1")
    for block in (f"layer{i}.{j}" for i in range(1, 5) for j in range(2)):
        for k in (1, 2):
            expected |= {f"{block}.conv{k}.weight"} | of_norm(f"{block}.bn{k}")
    for i in (2, 3, 4):
        expected |= {f"layer{i}.0.downsample.0.weight"}
        expected |= of_norm(f"layer{i}.0.downsample.1")
    theirs = interop.to_names(distinct(shapes(net, x)), names)
    assert set(theirs) == expected
    assert theirs["conv1.weight"].shape == (2, 3, 7, 7)
    assert theirs["layer4.0.downsample.0.weight"].shape == (16, 8, 1, 1)


# ---------------------------------------------------------------- what is not wanted
def of_gpt(**changes):
    net, names, x, _ = MODELS["gpt"]
    like = shapes(net, x)
    tensors = interop.to_names(distinct(like), names) | changes
    kept = {name: array for name, array in tensors.items() if array is not None}
    return kept, names, like


def refused(tensors, names, like, **options):
    with pytest.raises(ValueError, match="from_names: expected") as caught:
        interop.from_names(tensors, names, like=like, **options)
    (sentence,) = caught.value.args
    start = "from_names: expected the tensors that like is made of, got "
    return sentence.removeprefix(start)


def test_every_difference_is_told_at_once():
    embed, fused = "transformer.wte.weight", "transformer.h.1.attn.c_attn.weight"
    changes = {
        "transformer.wpe.weight": None,
        "transformer.ln_f.bias": None,
        "other": np.zeros(3),
        "another": np.zeros(3),
        embed: np.zeros((11, 4), np.float16),
        fused: np.zeros((12, 4), np.float32),
    }
    found = refused(*of_gpt(**changes))
    assert found == (
        "no transformer.ln_f.bias, no transformer.wpe.weight, an unexpected another, "
        "an unexpected other, transformer.h.1.attn.c_attn.weight as float32[12, 4] in "
        "place of float32[4, 12], transformer.wte.weight as float16[11, 4] in place of "
        "float32[11, 4]."
    )


def test_tied_weights_may_stand_twice_if_they_are_the_same():
    embed = of_gpt()[0]["transformer.wte.weight"]
    tensors, names, like = of_gpt(**{"lm_head.weight": embed})
    interop.from_names(tensors, names, like=like)
    tensors["lm_head.weight"] = embed + 1
    assert refused(tensors, names, like) == (
        "lm_head.weight unlike transformer.wte.weight, with which it is tied."
    )


def test_what_is_of_no_use_is_passed_over():
    mask = np.zeros((1, 1, 8, 8), bool)
    tensors, _, like = of_gpt(**{"transformer.h.0.attn.bias": mask, "steps": mask})
    names = interop.gpt_names(unused=["st*"])
    interop.from_names(tensors, names, like=like)


def test_precision_changes_only_where_it_is_asked_for():
    names = Names((Row("a", "a"), Row("b", "b")))
    like = {"a": jnp.zeros(3), "b": jnp.zeros(2, jnp.int32)}
    tensors = {"a": np.arange(3, dtype=np.float16), "b": np.arange(2, dtype=np.int32)}
    assert refused(tensors, names, like) == "a as float16[3] in place of float32[3]."
    found = interop.from_names(tensors, names, like=like, cast=True)
    assert found["a"].dtype == jnp.float32 and found["a"].tolist() == [0, 1, 2]
    tensors["b"] = tensors["b"].astype(np.int16)
    again = refused(tensors, names, like, cast=True)
    assert again == "b as int16[2] in place of int32[2]."


LIKE = {"a": jnp.zeros((2, 3)), "b": jnp.zeros(())}


@pytest.mark.parametrize(
    "rows, got",
    [
        ((Row("a", "a"),), "no row for b"),
        ((Row("a", "a", (0, 1, 2)), Row("b", "b")), "a with 2 axes, for a"),
        ((Row("a", "a.{}.{}"), Row("b", "b")), "a with other numbers, for a.{}.{}"),
        ((Row("a", "a"), Row("b", "b.{}")), "b without an axis of copies, for b.{}"),
        ((Row(("a", "c"), "a"), Row("b", "b")), "a without c, for a"),
    ],
)
def test_rows_that_do_not_fit(rows, got):
    tensors = {"a": np.zeros((2, 3), "f"), "b": np.zeros((), "f")}
    assert got in refused(tensors, Names(rows), LIKE)
    with pytest.raises(ValueError, match="to_names: expected") as caught:
        interop.to_names(LIKE, Names(rows))
    assert caught.value.args == (
        f"to_names: expected leaves that names has rows for, got {got}.",
    )


def test_one_name_for_two_leaves():
    with pytest.raises(ValueError, match="to_names: expected") as caught:
        interop.to_names(LIKE, Names((Row("a", "c"), Row("b", "c"))))
    assert caught.value.args == (
        "to_names: expected leaves that names has rows for, got b for c, which a has.",
    )


ONE = Names((Row("a", "a"),))
WRONG: list[tuple] = [
    (
        lambda: interop.from_names([1], ONE, like=LIKE),
        "from_names: expected arrays by name, got [1].",
    ),
    (
        lambda: interop.from_names({"a": 3}, ONE, like=LIKE),
        "from_names: expected a to be an array, got 3.",
    ),
    (
        lambda: interop.from_names({}, (), like=LIKE),
        "from_names: expected names to be a Names, got ().",
    ),
    (
        lambda: interop.from_names({}, ONE, like={"a": 3}),
        "from_names: expected a to be an array, got 3.",
    ),
    (
        lambda: interop.to_names(LIKE, {"a": "b"}),
        "to_names: expected names to be a Names, got {'a': 'b'}.",
    ),
    (
        lambda: interop.to_names({"a": 3}, ONE),
        "to_names: expected a to be an array, got 3.",
    ),
]


@pytest.mark.parametrize("call, sentence", WRONG)
def test_wrong_calls(call, sentence):
    with pytest.raises(TypeError) as caught:
        call()
    assert caught.value.args == (sentence,)


# ------------------------------------------------------------------------- on devices
def test_what_is_read_may_be_donated():
    names = Names((Row("a", "a"),))
    tensors = {"a": np.arange(1000, dtype=np.float32)}
    found = interop.from_names(tensors, names, like={"a": tensors["a"]})
    assert not found["a"].committed
    twice = jax.jit(lambda a: 2 * a, donate_argnums=0)(found["a"])
    np.testing.assert_array_equal(twice, 2 * tensors["a"])
    np.testing.assert_array_equal(tensors["a"], np.arange(1000))


SHARDED = """
import jax, numpy as np, fnn
from fnn.interop import naming
from jax.sharding import NamedSharding, PartitionSpec as P

net, names = fnn.models.gpt(11, length=8, features=4, heads=2, layers=4), \
    fnn.interop.gpt_names()
mesh = jax.make_mesh((2, 2), ("a", "b"))
specs = {"query": P("a", None, "b"), "value": P(None, "b"), "up": P("b", "a")}

def sharded(path, leaf):
    spec = next((s for n, s in specs.items() if f"{n}/weight" in path), P())
    return jax.ShapeDtypeStruct(
        leaf.shape, leaf.dtype, sharding=NamedSharding(mesh, spec)
    )

like = jax.eval_shape(net.init, jax.random.key(0), np.zeros((1, 4), int))
flat = {path: sharded(path, leaf) for path, leaf in fnn.paths(like).items()}
like = fnn.from_paths(flat, like=like)
rng = np.random.default_rng(0)
tree = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape).astype("f"), like)
shapes, aligned = [], naming.aligned
naming.aligned = lambda *args: shapes.append(tuple(args[0])) or aligned(*args)
found = fnn.interop.from_names(fnn.interop.to_names(tree, names), names, like=like)
jax.tree.map(np.testing.assert_array_equal, found, tree)
assert jax.tree.map(lambda x: x.sharding, found) == jax.tree.map(
    lambda x: x.sharding, like
)
assert shapes.count((2, 4, 2)) == 4 and shapes.count((2, 2, 16)) == 4, shapes
print("sharded")
"""


def test_each_device_reads_its_own_slices():
    done = subprocess.run(
        [sys.executable, "-c", SHARDED],
        env={
            "XLA_FLAGS": "--xla_force_host_platform_device_count=4",
            "JAX_PLATFORMS": "cpu",
        },
        capture_output=True,
        text=True,
    )
    assert done.stdout == "sharded\n", done.stderr
