"""Exact marginals of a regression tree over a box, by the boxes of its leaves; compiled by Numba.

v_l, W_l        value of leaf l, and volume of its box
f_j(x)          mean of the tree where feature j is x: sum over the leaves that contain x of v_l W_l / width_jl
"""

from __future__ import annotations

import numpy as np

from hpcore.kernels._jit import jit

__all__ = ["decompose"]


@jit
def decompose(left, right, feature, cut, value, pairs, main, joint):  # type: ignore[no-untyped-def]
    """Variances of the marginals of one tree, of which the total is returned.

    left, right, feature, value (nodes,) as scikit-learn has them, parents before children; cut (nodes,) thresholds as
    shares of the feature's measure, in [0, 1]; pairs (p, 2) features; into main (d,) the variance of each feature's
    marginal, into joint (p,) the part of each pair's marginal that is not the sum of the two.
    """
    n, d = feature.size, main.size
    start = np.zeros(d + 1, np.int64)
    for node in range(n):
        if feature[node] >= 0:
            start[feature[node] + 1] += 1
    for j in range(d):
        start[j + 1] += start[j]
    # Cells of feature j lie between its sorted cuts; equal cuts leave a cell without width.
    nodes = np.empty(start[d], np.int64)
    filled = start[:d].copy()
    for node in range(n):
        j = feature[node]
        if j >= 0:
            nodes[filled[j]] = node
            filled[j] += 1
    rank = np.zeros(n, np.int64)
    edges = np.empty(start[d] + 2 * d)
    for j in range(d):
        mine = nodes[start[j] : start[j + 1]]
        at = start[j] + 2 * j
        edges[at] = 0.0
        for i, k in enumerate(np.argsort(cut[mine])):
            rank[mine[k]] = i + 1
            edges[at + i + 1] = cut[mine[k]]
        edges[at + mine.size + 1] = 1.0

    low, high = np.zeros((n, d), np.int64), np.empty((n, d), np.int64)
    for j in range(d):
        high[0, j] = start[j + 1] - start[j] + 1
    leaves = np.empty(n, np.int64)
    n_leaves, mean = 0, 0.0
    volume = np.empty(n)
    for node in range(n):
        j = feature[node]
        if j >= 0:
            for child in (left[node], right[node]):
                low[child] = low[node]
                high[child] = high[node]
            high[left[node], j] = rank[node]
            low[right[node], j] = rank[node]
            continue
        w = 1.0
        for k in range(d):
            w *= edges[start[k] + 2 * k + high[node, k]] - edges[start[k] + 2 * k + low[node, k]]
        if w > 0.0:  # a box without volume counts nowhere
            leaves[n_leaves] = node
            volume[n_leaves] = w
            n_leaves += 1
            mean += w * value[node]
    total = 0.0
    mass = np.empty(n_leaves)  # centred values, so that no variance is a difference of large numbers
    for i in range(n_leaves):
        v = value[leaves[i]] - mean
        mass[i] = volume[i] * v
        total += mass[i] * v

    for j in range(d):
        at, n_cells = start[j] + 2 * j, start[j + 1] - start[j] + 1
        main[j] = 0.0
        if n_cells == 1:
            continue
        change = np.zeros(n_cells + 1)
        for i in range(n_leaves):
            a, b = low[leaves[i], j], high[leaves[i], j]
            share = mass[i] / (edges[at + b] - edges[at + a])
            change[a] += share
            change[b] -= share
        f = 0.0
        for c in range(n_cells):
            f += change[c]
            main[j] += f * f * (edges[at + c + 1] - edges[at + c])

    for p in range(pairs.shape[0]):
        j, k = pairs[p, 0], pairs[p, 1]
        at_j, n_j = start[j] + 2 * j, start[j + 1] - start[j] + 1
        at_k, n_k = start[k] + 2 * k, start[k + 1] - start[k] + 1
        joint[p] = 0.0
        if n_j == 1 or n_k == 1:  # an interaction needs cuts of both
            continue
        corners = np.zeros((n_j + 1, n_k + 1))
        for i in range(n_leaves):
            a, b = low[leaves[i], j], high[leaves[i], j]
            e, g = low[leaves[i], k], high[leaves[i], k]
            share = mass[i] / ((edges[at_j + b] - edges[at_j + a]) * (edges[at_k + g] - edges[at_k + e]))
            corners[a, e] += share
            corners[a, g] -= share
            corners[b, e] -= share
            corners[b, g] += share
        row = np.zeros(n_k)
        for c in range(n_j):
            f, across = 0.0, 0.0
            for s in range(n_k):
                f += corners[c, s]
                row[s] += f
                across += row[s] * row[s] * (edges[at_k + s + 1] - edges[at_k + s])
            joint[p] += across * (edges[at_j + c + 1] - edges[at_j + c])
        joint[p] -= main[j] + main[k]
    return total
