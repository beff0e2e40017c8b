"""NSGA-II's order of rows with several objectives, by its definition."""

import numpy as np


def nsga_2_order(values: np.ndarray) -> list[int]:
    """Order of the rows: fronts in turn, then the largest crowding distance first, objectives scaled to all rows."""
    low, span = values.min(axis=0), np.ptp(values, axis=0)
    scaled = (values - low) / np.where(span > 0, span, 1)
    left, order = list(range(len(values))), []
    while left:
        front = [
            i for i in left if not any((values[j] <= values[i]).all() and (values[j] < values[i]).any() for j in left)
        ]
        distance = dict.fromkeys(front, 0.0)
        for k in range(values.shape[1]):
            along = sorted(front, key=lambda i: scaled[i, k])
            distance[along[0]] = distance[along[-1]] = np.inf
            for before, i, behind in zip(along, along[1:-1], along[2:], strict=False):
                distance[i] += scaled[behind, k] - scaled[before, k]
        order += sorted(front, key=lambda i: (-round(distance[i], 9), i))
        left = [i for i in left if i not in front]
    return order
