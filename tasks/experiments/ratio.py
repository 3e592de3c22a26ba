"""Sample-ratio mismatch: did the arms get the shares of users that they were promised? Pure.

If not, users are lost or misrouted in one arm, and no comparison of the arms means anything. The
test may be looked at after every user: under the promised share the number of users in the
treatment is binomial, and the beta-binomial mixture over binomial likelihood is a martingale
(Lindon & Malek, "Anytime-valid inference for multinomial count data", NeurIPS 2022). The priors
are centred on the promised share; three concentrations find coarse and fine mismatches.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import betaln

CONCENTRATIONS = (10.0, 1_000.0, 100_000.0)


def log_evidence(treatment: int, control: int, share: float) -> float:
    """Log-evidence that users do not come at the promised share.

    Args:
        treatment: Users in the treatment so far.
        control: Users in the control so far.
        share: Promised share of the treatment, between 0 and 1.
    """
    promised = treatment * np.log(share) + control * np.log1p(-share)
    mixed = [
        betaln(c * share + treatment, c * (1 - share) + control)
        - betaln(c * share, c * (1 - share))
        for c in CONCENTRATIONS
    ]
    return float(np.logaddexp.reduce(mixed) - np.log(len(mixed)) - promised)


def peak(path: Sequence[tuple[int, int]], share: float) -> float:
    """The largest log-evidence along the way; a mismatch once seen is not unseen."""
    return max((log_evidence(*counts, share) for counts in path), default=0.0)
