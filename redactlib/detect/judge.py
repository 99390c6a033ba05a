"""Small trained judges: numbers that describe a candidate in, the probability that it is what it seems out.

Brackets are judged by perceptrons with one hidden layer (tanh), averaged; strokes by a forest of randomised trees
(Geurts et al. 2006). Their weights are plain arrays in ``models/judges.npz``, made by ``python -m redactlib.training
judges``.
"""

from __future__ import annotations

import importlib.resources
import io
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache

import numpy as np

Verdict = Callable[[np.ndarray], np.ndarray]
"""Gives the probabilities ``(c,)`` of candidates with features ``(c, n)``."""

REACH = 4.0
"""Standard deviations from the mean at which a feature is cut off: what is stranger tells no more."""


@dataclass(frozen=True, eq=False)
class Judge:
    """Weights of a judge with n features, k members and m hidden units each.

    Attributes:
        mean, spread: ``(k, n)``, of the features in the training of each member.
        hidden: ``(k, n + 1, m)``, with the bias last.
        output: ``(k, m + 1)``, with the bias last.
    """

    mean: np.ndarray
    spread: np.ndarray
    hidden: np.ndarray
    output: np.ndarray

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Probabilities ``(c,)`` of candidates ``(c, n)``.

        >>> even = Judge(np.zeros((1, 2)), np.ones((1, 2)), np.zeros((1, 3, 4)), np.zeros((1, 5)))
        >>> even(np.array([[3.0, 4.0]]))
        array([0.5])
        """
        scaled = np.clip((features[:, None] - self.mean) / self.spread, -REACH, REACH)
        units = np.tanh(np.einsum("ckn,knm->ckm", scaled, self.hidden[:, :-1]) + self.hidden[:, -1])
        score = np.einsum("ckm,km->ck", units, self.output[:, :-1]) + self.output[:, -1]
        return (1 / (1 + np.exp(-score))).mean(1)


@dataclass(frozen=True, eq=False)
class Forest:
    """Decision trees, one after the other, ``(m,)`` nodes in all; their answers are averaged.

    Attributes:
        feature: int16, what a node asks for; -1 where it answers.
        limit: float32, up to which the answer lies in the `low` branch.
        low, high: int32, the nodes that follow.
        answer: float32, probability.
        roots: int32 ``(t,)``, where each tree begins.
    """

    feature: np.ndarray
    limit: np.ndarray
    low: np.ndarray
    high: np.ndarray
    answer: np.ndarray
    roots: np.ndarray

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Probabilities ``(c,)`` of candidates ``(c, n)``.

        >>> halves = np.array([0.5, 0, 0], np.float32), np.array([0, 0.1, 0.9], np.float32)
        >>> ask, low, high, root = (np.array(v) for v in ([1, -1, -1], [1, 0, 0], [2, 0, 0], [0]))
        >>> forest = Forest(ask, halves[0], low, high, halves[1], root)
        >>> [f"{chance:.1f}" for chance in forest(np.array([[9.0, 0.4], [9.0, 0.6]]))]
        ['0.1', '0.9']
        """
        asked = features.astype(np.float32)
        node = np.tile(self.roots, (len(asked), 1))
        row = np.arange(len(asked))[:, None]
        while (inner := self.feature[node] >= 0).any():
            low = asked[row, self.feature[node]] <= self.limit[node]
            node = np.where(inner, np.where(low, self.low[node], self.high[node]), node)
        return self.answer[node].mean(1)


PARTS = {kind: tuple(part.name for part in fields(kind)) for kind in (Judge, Forest)}
"""Names of a judge's arrays, in the order in which it takes them."""


@cache
def bracket_judge() -> Judge:
    """The perceptrons that judge brackets, which come with the package."""
    return Judge(*(part.astype(np.float64) for part in _shipped("bracket", PARTS[Judge])))


@cache
def stroke_judge() -> Forest:
    """The forest that judges strokes, which comes with the package."""
    return Forest(*_shipped("forest", PARTS[Forest]))


def of_strokes(features: np.ndarray) -> np.ndarray:
    """What the shipped judge of strokes says."""
    return stroke_judge()(features)


def of_brackets(features: np.ndarray) -> np.ndarray:
    """What the shipped judge of brackets says."""
    return bracket_judge()(features)


def _shipped(name: str, parts: tuple[str, ...]) -> list[np.ndarray]:
    data = (importlib.resources.files("redactlib") / "models" / "judges.npz").read_bytes()
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return [arrays[f"{name}_{part}"] for part in parts]
