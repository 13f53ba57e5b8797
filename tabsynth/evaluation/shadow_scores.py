"""Scores of people by what worlds with and without them look like: a likelihood ratio per person.

Of every person i and signal q there are values x_iqk from worlds k that were made with her and without her. With the
means m1 and m0 of both kinds, the effect e = m1 - m0, and one variance v for both, the logarithm of the likelihood
ratio of two normal distributions at the value z of the released table is

    score_iq = e (z - (m1 + m0) / 2) / v            and for all signals at once    e' V^-1 (z - (m1 + m0) / 2)

Decisions
- Few worlds make rough means. The effect of a person is drawn towards that of everybody by as much as chance explains
  of the spread between people (empirical Bayes), and so is her variance (Smyth's moderated variance).
- Rows that were learned from are never pushed away: an effect is at least a twentieth of a standard deviation. Where
  the worlds show none, a person is the more suspicious the nearer rows are than in worlds without her, which is the
  one-sided test of Carlini et al. for worlds without her alone.
- One correlation matrix of signals for everybody: a matrix per person would need more worlds than anybody makes.

Source: Carlini et al. 2022, "Membership inference attacks from first principles" (LiRA), arXiv:2112.03570; Smyth 2004,
doi:10.2202/1544-6115.1027, for variances; Efron & Morris 1975, doi:10.1080/01621459.1975.10479864, for effects.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from tabsynth.evaluation.comparison import Array

MIN_WORLDS = 4
"""Worlds with a person, and worlds without her, from which she can be scored."""
_LEAST_EFFECT = 0.05  # standard deviations
_RIDGE = 0.1
_TINY = 1e-12


def likelihood_ratios(worlds: Array, inside: Array, observed: Array) -> Array:
    """How much the released table speaks for each person having been learned from.

    Args:
        worlds: Signals of each person in each world, shape (n_worlds, n_signals, n_people).
        inside: Whether the person was in the world, shape (n_worlds, n_people); MIN_WORLDS times each at least.
        observed: The same signals of the released table, shape (n_signals, n_people).

    Returns:
        Scores, higher is more suspicious: one row per signal, and a last one for all of them together; shape
        (n_signals + 1, n_people).
    """
    weights = inside.astype(np.float64)[:, None, :]  # (n_worlds, 1, n_people)
    n_in, n_out = weights.sum(axis=0), (1 - weights).sum(axis=0)  # (1, n_people)
    mean_in = (worlds * weights).sum(axis=0) / n_in  # (n_signals, n_people)
    mean_out = (worlds * (1 - weights)).sum(axis=0) / n_out
    residuals = worlds - np.where(weights > 0, mean_in, mean_out)
    freedom = n_in + n_out - 2
    variance = _moderated((residuals**2).sum(axis=0) / freedom, float(freedom.mean()))
    spread = np.sqrt(variance)
    effect = _shrunken((mean_in - mean_out) / spread, 1 / n_in + 1 / n_out)  # in standard deviations
    effect = np.maximum(effect, _LEAST_EFFECT)
    standing = (observed - (mean_in + mean_out) / 2) / spread
    together = np.einsum("qp,qr,rp->p", effect, np.linalg.inv(_correlation(residuals / spread)), standing)
    return np.vstack([effect * standing, together])


def _moderated(variance: Array, freedom: float) -> Array:
    """Variances, drawn to their common value by as much as chance explains; shape (n_signals, n_people)."""
    found = np.empty_like(variance)
    for row, own in enumerate(variance):
        floor = max(float(np.median(own)) * 1e-3, _TINY)
        own = np.maximum(own, floor)
        logs = np.log(own) - special.digamma(freedom / 2) + np.log(freedom / 2)
        beyond = float(logs.var(ddof=1)) - float(special.polygamma(1, freedom / 2)) if len(own) > 1 else 0.0
        if beyond <= 0:
            found[row] = np.exp(logs.mean())
            continue
        prior = 2 * _inverse_trigamma(beyond)
        common = float(np.exp(logs.mean() + special.digamma(prior / 2) - np.log(prior / 2)))
        found[row] = (prior * common + freedom * own) / (prior + freedom)
    return np.maximum(found, _TINY)


def _inverse_trigamma(value: float) -> float:
    """The x at which the trigamma function has a value: Newton's method as in Smyth 2004, appendix."""
    if value > 1e7:
        return 1 / float(np.sqrt(value))
    if value < 1e-6:
        return 1 / value
    x = 0.5 + 1 / value
    for _ in range(50):
        now = float(special.polygamma(1, x))
        step = now * (1 - now / value) / float(special.polygamma(2, x))
        x += step
        if -step / x < 1e-9:
            break
    return x


def _shrunken(effect: Array, noise: Array) -> Array:
    """Effects, drawn to the mean of everybody; `noise` is the variance of one that comes from few worlds."""
    centre = effect.mean(axis=1, keepdims=True)
    between = np.maximum(((effect - centre) ** 2 - noise).mean(axis=1, keepdims=True), 0.0)
    return np.asarray(centre + between / (between + noise) * (effect - centre))


def _correlation(residuals: Array) -> Array:
    """Correlation of the signals within people, with a ridge; shape (n_signals, n_signals)."""
    n_signals = residuals.shape[1]
    flat = np.moveaxis(residuals, 1, 0).reshape(n_signals, -1)
    products = np.einsum("qn,rn->qr", flat, flat)
    scale = np.sqrt(np.maximum(np.diag(products), _TINY))
    return np.asarray(products / np.outer(scale, scale) * (1 - _RIDGE) + _RIDGE * np.eye(n_signals))
