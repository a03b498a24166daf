"""Linear classifiers, learned together in a second or two.

Support vector machines with squared hinge loss, one label against the rest, rare labels weighted up, by dual
coordinate descent (Hsieh et al., "A Dual Coordinate Descent Method for Large-scale Linear SVM", ICML 2008). All labels
of all tasks take each step at once, so the cost is that of one pass over the texts. The same pack gives the same brain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from caseward.adapters.brains._features import Row

_ROUNDS = 8
_ENOUGH = np.float32(0.1)
"""A round whose largest step is below this ends the learning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One thing to tell apart."""

    labels: Sequence[str | None]
    """The label of each row; None for a row that says nothing about this task."""
    regularity: float = 1.0
    """Higher follows the examples more closely."""


@dataclass(frozen=True, slots=True)
class Linear:
    """What was learned of a task, as plain arrays: to score a short text is a hundred additions."""

    labels: tuple[str, ...]
    weights: NDArray[np.float32]
    """Columns by labels."""
    bias: NDArray[np.float32]

    def scores(self, row: Row) -> NDArray[np.float32]:
        """Return one score for each label; above zero speaks for it."""
        scores: NDArray[np.float32] = row.values @ self.weights[row.columns] + self.bias
        return scores

    def odds(self, row: Row, *, sharpness: float) -> NDArray[np.float32]:
        """Return the scores as positive shares of 1; `sharpness` makes them honest as probabilities."""
        scores = self.scores(row) * np.float32(sharpness)
        odds: NDArray[np.float32] = np.exp(scores - scores.max())
        odds /= odds.sum()
        return odds


def learn(rows: Sequence[Row], width: int, tasks: Sequence[Task]) -> list[Linear]:
    """Return what `rows`, with columns below `width`, teach about each task."""
    labels = [tuple(sorted({label for label in task.labels if label is not None})) for task in tasks]
    signs, costs = _examples(len(rows), tasks, labels)
    weights = _descend(rows, width, signs, costs)
    learned, start = [], 0
    for each in labels:
        part = weights[:, start : start + len(each)]
        learned.append(Linear(each, np.ascontiguousarray(part[:-1]), part[-1].copy()))
        start += len(each)
    return learned


def _examples(
    count: int, tasks: Sequence[Task], labels: Sequence[tuple[str, ...]]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return, for each row and label, whether it is one (1 or -1), and what a mistake costs (0 for no example)."""
    signs, costs = [], []
    for task, each in zip(tasks, labels, strict=True):
        place = {label: i for i, label in enumerate(each)}
        sign = np.full((count, len(each)), -1, dtype=np.float32)
        cost = np.zeros((count, len(each)), dtype=np.float32)
        taught = [i for i, label in enumerate(task.labels) if label is not None]
        columns = [place[label] for label in task.labels if label is not None]
        often = np.bincount(columns, minlength=len(each))
        cost[taught] = task.regularity
        cost[taught, columns] *= (len(taught) / (len(each) * often))[columns]
        sign[taught, columns] = 1
        signs.append(sign)
        costs.append(cost)
    return np.hstack(signs), np.hstack(costs)


def _descend(
    rows: Sequence[Row], width: int, signs: NDArray[np.float32], costs: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the weights, columns by labels; the last column is the bias."""
    weights = np.zeros((width + 1, signs.shape[1]), dtype=np.float32)
    dual = np.zeros_like(signs)
    example = costs > 0
    slack = np.divide(0.5, costs, out=np.zeros_like(costs), where=example)
    # Each row has length 1, and the bias adds 1 more; no example never takes a step.
    pace = np.divide(example, 2 + slack, dtype=np.float32)
    one = np.ones(1, dtype=np.float32)
    columns = [np.append(row.columns, np.int32(width)).astype(np.intp) for row in rows]
    values = [np.append(row.values, one) for row in rows]
    order = np.random.default_rng(0)
    for _round in range(_ROUNDS):
        largest = np.float32(0)
        for i in order.permutation(len(rows)):
            here = weights.take(columns[i], axis=0)
            gradient = values[i] @ here
            gradient *= signs[i]  # in place, here and below: these few lines are most of what learning takes
            gradient -= 1
            gradient += dual[i] * slack[i]
            gradient *= pace[i]
            step = np.maximum(-dual[i], -gradient)
            size = np.abs(step).max()
            if size > _ENOUGH / 10:
                dual[i] += step
                step *= signs[i]
                here += values[i][:, None] * step
                weights[columns[i]] = here
                largest = max(largest, size)
        if largest < _ENOUGH:
            break
    return weights
