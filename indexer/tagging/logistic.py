"""Logistic regression for many labels at once: a damped Newton whose steps are found by conjugate gradients."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

STEPS: Final = 25
INNER: Final = 60
HALVINGS: Final = 12
#: The gradient, as a share of the first one, below which a label is done.
DONE: Final = 1e-3

#: The same for a step: the square of what is left of it.
ENOUGH: Final = 1e-3


@dataclass(frozen=True)
class Problem:
    """``shared`` (n, p): features that all labels have; ``own`` (n, k, q): those that each label has for itself, the bias
    among them; ``labels`` (n, k): 1 or 0, with the ``weights`` (n, k) they count with, 0 where nothing is known; ``base``
    (n, k): what is added to every logit; ``ridge`` of the shared and ``own_ridge`` (q,) of the own coefficients."""

    shared: Numbers
    own: Numbers
    labels: Numbers
    weights: Numbers
    base: Numbers
    ridge: float
    own_ridge: Numbers

    def logits(self, shared: Numbers, own: Numbers) -> Numbers:
        """(n, k) for coefficients (p, k) and (k, q)."""
        return self.base + self.apply(shared, own)

    def apply(self, shared: Numbers, own: Numbers) -> Numbers:
        """The logits without the base."""
        return np.asarray(self.shared @ shared + np.einsum("nkq,kq->nk", self.own, own))

    def back(self, values: Numbers) -> tuple[Numbers, Numbers]:
        """The transpose of ``apply``."""
        return self.shared.T @ values, np.einsum("nkq,nk->kq", self.own, values)

    def loss(self, shared: Numbers, own: Numbers) -> Numbers:
        """(k,), the ridge in it."""
        logits = self.logits(shared, own)
        each = self.weights * (np.logaddexp(0, logits) - self.labels * logits)
        return np.asarray(
            each.sum(axis=0) + self.ridge / 2 * (shared**2).sum(axis=0) + (self.own_ridge * own**2).sum(axis=1) / 2
        )


def fit(problem: Problem) -> tuple[Numbers, Numbers]:
    """The coefficients (p, k) and (k, q) of least loss."""
    labels = problem.labels.shape[1]
    shared, own = np.zeros((problem.shared.shape[1], labels)), np.zeros((labels, problem.own.shape[2]))
    first: Numbers | None = None
    loss = problem.loss(shared, own)
    for _ in range(STEPS):
        sure = sigmoid(problem.logits(shared, own))
        up, up_own = problem.back(problem.weights * (sure - problem.labels))
        up, up_own = up + problem.ridge * shared, up_own + problem.own_ridge * own
        size = np.sqrt((up**2).sum(axis=0) + (up_own**2).sum(axis=1))
        first = size if first is None else first
        if bool((size <= DONE * np.maximum(first, 1e-12)).all()):
            break
        step, step_own = _newton(problem, problem.weights * sure * (1 - sure), -up, -up_own)
        shared, own, loss = _damped(problem, (shared, own, loss), (step, step_own))
    return shared, own


def _newton(problem: Problem, curve: Numbers, down: Numbers, down_own: Numbers) -> tuple[Numbers, Numbers]:
    """The step against the curvature, by conjugate gradients for each label."""
    step, step_own = np.zeros_like(down), np.zeros_like(down_own)
    rest, rest_own = down.copy(), down_own.copy()
    way, way_own = rest.copy(), rest_own.copy()
    size = _size(rest, rest_own)
    start = np.maximum(size, 1e-300)
    for _ in range(INNER):
        bent, bent_own = problem.back(curve * problem.apply(way, way_own))
        bent, bent_own = bent + problem.ridge * way, bent_own + (problem.own_ridge + 1e-9) * way_own
        far = size / np.maximum((way * bent).sum(axis=0) + (way_own * bent_own).sum(axis=1), 1e-300)
        step, step_own = step + far * way, step_own + far[:, None] * way_own
        rest, rest_own = rest - far * bent, rest_own - far[:, None] * bent_own
        before, size = size, _size(rest, rest_own)
        if bool((size <= ENOUGH * start).all()):
            break
        turn = size / np.maximum(before, 1e-300)
        way, way_own = rest + turn * way, rest_own + turn[:, None] * way_own
    return step, step_own


def _size(shared: Numbers, own: Numbers) -> Numbers:
    return np.asarray((shared**2).sum(axis=0) + (own**2).sum(axis=1))


def _damped(
    problem: Problem, now: tuple[Numbers, Numbers, Numbers], step: tuple[Numbers, Numbers]
) -> tuple[Numbers, Numbers, Numbers]:
    """As much of the step, for each label, as makes its loss no greater."""
    shared, own, loss = now
    share = np.ones(len(loss))
    for _ in range(HALVINGS):
        then = problem.loss(shared + share * step[0], own + share[:, None] * step[1])
        worse = then > loss + 1e-12 * np.abs(loss)
        if not worse.any():
            break
        share = np.where(worse, share / 2, share)
    else:
        share = np.where(worse, 0.0, share)
        then = np.where(worse, loss, then)
    return shared + share * step[0], own + share[:, None] * step[1], then


def sigmoid(logits: Numbers) -> Numbers:
    """Logits to probabilities, without overflow."""
    return np.asarray(np.exp(-np.logaddexp(0, -logits)))
