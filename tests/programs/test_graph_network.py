"""Message passing on a graph that is a NamedTuple, with a node's view as wide as deep.

Battaglia et al., Relational inductive biases, deep learning, and graph networks, 2018,
algorithm 1.
"""

from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp

import fnn


class Graph(NamedTuple):
    nodes: Any  # (nodes, features)
    edges: Any  # (edges, features)
    senders: Any  # (edges,)
    receivers: Any  # (edges,)


def block(features):
    """New edges from their ends, then new nodes from the edges that they receive."""

    @fnn.module(
        edge=fnn.sequential(fnn.dense(features), jax.nn.silu),
        node=fnn.sequential(fnn.dense(features), jnp.tanh),
    )
    def pass_messages(parts, graph):
        nodes, edges, senders, receivers = graph
        ends = [edges, nodes[senders], nodes[receivers]]
        edges = parts.edge(jnp.concatenate(ends, axis=-1))
        total = jax.ops.segment_sum(edges, receivers, len(nodes))
        nodes = parts.node(jnp.concatenate([nodes, total], axis=-1))
        return graph._replace(nodes=nodes, edges=edges)

    return pass_messages


net = fnn.sequential(block(8), fnn.repeat(block(8), 2), lambda graph: graph.nodes)


def ring(key, n):
    """Nodes in a circle, each an edge to both neighbours, with random features."""
    keys = jax.random.split(key)
    i = jnp.arange(n)
    return Graph(
        nodes=jax.random.normal(keys[0], (n, 3)),
        edges=jax.random.normal(keys[1], (2 * n, 2)),
        senders=jnp.concatenate([i, i]),
        receivers=jnp.concatenate([(i + 1) % n, (i - 1) % n]),
    )


def test_equivariant_and_three_steps_far():
    graph = ring(jax.random.key(0), 9)
    params = jax.jit(net.init)(jax.random.key(1), graph)
    apply = jax.jit(net.apply)
    nodes = jax.random.permutation(jax.random.key(2), 9)
    edges = jax.random.permutation(jax.random.key(3), 18)
    number = jnp.argsort(nodes)  # where each node went
    permuted = Graph(
        nodes=graph.nodes[nodes],
        edges=graph.edges[edges],
        senders=number[graph.senders[edges]],
        receivers=number[graph.receivers[edges]],
    )
    before, after = apply(params, graph), apply(params, permuted)
    chex.assert_trees_all_close(after, before[nodes], rtol=0, atol=1e-6)
    assert jnp.std(before) > 0.1

    def first(nodes):
        return apply(params, graph._replace(nodes=nodes))[0].sum()

    influence = jnp.abs(jax.grad(first)(graph.nodes)).sum(axis=1)
    distance = jnp.array([0, 1, 2, 3, 4, 4, 3, 2, 1])
    assert jnp.array_equal(influence > 0, distance <= 3)
