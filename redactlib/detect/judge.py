"""Small trained judges: numbers that describe a candidate in, the probability that it is what it seems out.

A judge is a perceptron with one hidden layer (tanh), averaged over a few of its kind; its weights are plain arrays in
``models/judges.npz``, made by ``python -m redactlib.training judges``.
"""

from __future__ import annotations

import importlib.resources
import io
from dataclasses import dataclass, fields
from functools import cache

import numpy as np

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


PARTS = tuple(part.name for part in fields(Judge))
"""Names of a judge's arrays, in the order in which it takes them."""


@cache
def shipped_judge(name: str) -> Judge:
    """The judge of that name which comes with the package: ``pen`` or ``bracket``."""
    data = (importlib.resources.files("redactlib") / "models" / "judges.npz").read_bytes()
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return Judge(*(arrays[f"{name}_{part}"].astype(np.float64) for part in PARTS))
