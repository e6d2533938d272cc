"""The table of a model against counts by hand."""

from __future__ import annotations

import functools
import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import pytest

import fnn

IMAGES = jax.ShapeDtypeStruct((4, 8, 8, 3), jnp.float32)


def rows(layer, *inputs, **named):
    return {row.path: row for row in fnn.summary(layer, *inputs, **named).rows}


def test_counts_of_each_part_and_in_total():
    net = fnn.sequential(fnn.conv(5, (1, 1)), jax.nn.relu, fnn.flatten(), fnn.dense(2))
    found = rows(net, IMAGES)
    positions = 4 * 8 * 8
    assert found["0"].parameters == 3 * 5 + 5
    assert found["0"].bytes == 4 * 20
    assert found["0"].flops == positions * 5 * (2 * 3 + 1)
    assert found["1"].flops == positions * 5
    assert found["3"].flops == 4 * 2 * (2 * 320 + 1)
    assert found["3"].outputs == jax.ShapeDtypeStruct((4, 2), jnp.float32)
    assert found[""].parameters == 20 + 642
    assert found[""].flops == sum(found[str(i)].flops for i in range(4))


def test_total_is_what_xla_counts_for_the_whole_model():
    net = fnn.sequential(
        fnn.conv(4, (3, 3)), fnn.layer_norm(), jax.nn.gelu, fnn.flatten(), fnn.dense(3)
    )
    params = jax.eval_shape(net.init, jax.random.key(0), IMAGES)
    cost = jax.jit(net.apply).lower(params, IMAGES).cost_analysis()
    assert cost is not None
    assert fnn.summary(net, IMAGES).flops == pytest.approx(cost["flops"], rel=1e-3)


def test_flops_are_not_those_of_the_form_that_only_a_cpu_computes():
    images, weight = jnp.ones((2, 8, 8, 4)), jnp.ones((3, 3, 1, 4))
    convolve = functools.partial(
        jax.lax.conv_general_dilated,
        window_strides=(1, 1),
        padding="SAME",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=4,
    )
    cost = jax.jit(convolve).lower(images, weight).cost_analysis() or {}
    net = fnn.conv(4, (3, 3), groups=4, use_bias=False)
    assert fnn.summary(net, images).flops == cost["flops"]


COUNTED_ELSEWHERE = """
import jax, jax.numpy as jnp, fnn

jax.config.update("jax_num_cpu_devices", 2)
first, second = jax.devices()
lower, devices = jax.stages.Traced.lower, []

def lowered(self, **options):
    devices.append(jax.config.jax_default_device)
    return lower(self, **options)

jax.stages.Traced.lower = lowered
with jax.default_device(second):  # as if it were a GPU
    assert fnn.summary(fnn.dense(2), jnp.ones((1, 4))).flops == 18
assert set(devices) == {first}
"""


def test_flops_are_counted_for_a_cpu_wherever_jax_computes():
    # For no other device XLA says what it hasn't compiled costs: all was 0 on a GPU.
    environment = os.environ | {"JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-c", COUNTED_ELSEWHERE]
    subprocess.run(command, check=True, env=environment)


def test_without_a_cpu_it_says_what_to_set(monkeypatch):
    def none(backend):
        raise RuntimeError(f"Unknown backend: '{backend}' requested")

    monkeypatch.setattr(jax, "local_devices", none)
    with pytest.raises(RuntimeError, match=r"expected JAX to know a CPU.*=cpu,cpu"):
        fnn.summary(fnn.dense(2), IMAGES)


@pytest.mark.parametrize("wrap", [fnn.repeat, fnn.ensemble])
def test_copies_count_as_often_as_they_run(wrap):
    x = jax.ShapeDtypeStruct((2, 6), jnp.float32)
    one, many = rows(fnn.dense(6), x)[""], rows(wrap(fnn.dense(6), 7), x)[""]
    assert many.parameters == 7 * one.parameters
    assert many.flops == pytest.approx(7 * one.flops, abs=2 * 7)  # the loop counts too


def test_parts_called_several_times_and_inside_vmap():
    @fnn.module(shared=fnn.dense(4), off=None)
    def net(parts, x):
        return jax.vmap(parts.shared)(x) + parts.shared(x)

    found = rows(net, jax.ShapeDtypeStruct((3, 4), jnp.float32))
    assert found["shared"].parameters == 4 * 4 + 4
    assert found["shared"].flops == 2 * 3 * 4 * (2 * 4 + 1)


def test_stateful_nested_training_and_inputs_by_name():
    @fnn.module(norm=fnn.batch_norm(), blocks=[fnn.dropout(0.5), fnn.dense(2)])
    def net(parts, x, *, scale, mode):
        assert mode == "fast"
        for block in (parts.norm, *parts.blocks):
            x = block(x)
        return x * scale

    x = jax.ShapeDtypeStruct((5, 3), jnp.float32)
    table = fnn.summary(net, x, scale=2.0, mode="fast", train=True)
    assert [row.path for row in table.rows] == ["", "norm", "blocks/0", "blocks/1"]
    assert (table.parameters, table.bytes) == (6 + 8, 4 * 14)
    drawn = rows(net, x, scale=2.0, mode="fast", train=True)["blocks/0"].flops
    assert drawn > rows(net, x, scale=2.0, mode="fast")["blocks/0"].flops


def test_nothing_is_allocated():
    huge = fnn.sequential(fnn.dense(10**6), fnn.dense(10**6))  # 4 TB
    assert fnn.summary(huge, jax.ShapeDtypeStruct((1, 10**6), jnp.float32)).bytes > 8e12


def test_messages():
    with pytest.raises(TypeError, match=r"^summary: expected a layer or a function of"):
        fnn.summary(3, IMAGES)
    with pytest.raises(ValueError, match=r"^conv: expected"):
        fnn.summary(fnn.conv(3, (3, 3)), jax.ShapeDtypeStruct((4, 8), jnp.float32))
