"""A list with a stated rate of false discoveries."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


def q_values(p_values: Floats, tests: int) -> Floats:
    """Return the q-value of each p-value among ``tests`` tested sites.

    Benjamini and Hochberg 1995, valid under positive dependence (Benjamini and Yekutieli 2001). ``p_values``
    may be the smallest ones only: leaving out larger ones can only raise a q-value. Shape (n,) → (n,).
    Raises ValueError where there are more p-values than tests.
    """
    if len(p_values) > tests:
        raise ValueError(f"{len(p_values)} p-values, but only {tests} sites were tested")
    order = np.argsort(p_values, kind="stable")
    ranked = p_values[order] * tests / np.arange(1, len(p_values) + 1)
    smallest_after = np.minimum.accumulate(ranked[::-1])[::-1]
    result = np.empty_like(ranked)
    result[order] = np.minimum(smallest_after, 1.0)
    return result


def stratified_q_values(p_values: Floats, strata: Codes, unseen: Mapping[int, int]) -> Floats:
    """Return the q-value of each p-value among the tests of its stratum.

    Populations with shares and null samples of their own are held to the rate each (Sun and others,
    Biometrics 2006): a handful of plants need not stand out among a million customers. ``strata`` (n,);
    ``unseen``: stratum → tests without a p-value.
    """
    result = np.empty_like(p_values)
    for stratum in np.unique(strata).tolist():
        own = strata == stratum
        result[own] = q_values(p_values[own], int(own.sum()) + unseen.get(stratum, 0))
    return result
