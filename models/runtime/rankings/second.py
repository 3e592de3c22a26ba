"""The second stage, fitted on acts that the first one has not seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.runtime.rankings.history import TakenUp
from models.runtime.rankings.recommender import SIGNS, Recommender, SecondStage
from models.runtime.rankings.search import best

USERS = 2_000
"""Users whose candidates are learned from."""
FEWEST = 20
"""Candidates that were taken up, without which nothing is learned."""
C = 1.0


def fitted(
    first: Recommender,
    vectors: NDArray[np.float32],
    later: TakenUp,
    users: NDArray[np.integer],
    exclude_seen: bool,
    seed: int,
) -> SecondStage | None:
    """Learn from candidates of the first stage which of them were taken up later.

    What is learned from are the lists that users will get, so that the chances are theirs (a sample
    of items would make them others').

    Args:
        first: Learned from older acts alone.
        vectors: The vector of each user whose later acts are known [n, d + 1].
        later: Newer acts.
        users: Those users' numbers [n].
        exclude_seen: Whether what they know is left out.
        seed: Of the users that are chosen where there are many.

    Returns:
        None where too few candidates were taken up to learn from.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    chosen = np.random.default_rng(seed).permutation(len(users))[:USERS]
    signs, right = [], []
    for row in chosen:
        user = int(users[row])
        scores = first.retrieved(vectors[row])
        known = first.history.of_user(user) - 1
        if exclude_seen:
            scores[known] = -np.inf
        items = best(scores, first.candidates)
        signs.append(first.signs(known, items, scores[items]))
        right.append(np.isin(items + 1, later.items[later.users == user]))
    taken = np.concatenate(right) if right else np.zeros(0, dtype=bool)
    if taken.sum() < FEWEST or taken.all():
        return None
    learner = make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=1_000))
    learner.fit(np.concatenate(signs), taken)
    scaler, logistic = learner[0], learner[1]
    weights = logistic.coef_[0] / scaler.scale_
    intercept = float(logistic.intercept_[0] - weights @ scaler.mean_)
    told = " ".join(
        f"{name.replace(' ', '_')}={w:.3g}" for name, w in zip(SIGNS, weights, strict=True)
    )
    print(f"second stage on {len(taken)} candidates, {taken.sum()} taken up: {told}", flush=True)
    return SecondStage(weights.astype(np.float32), intercept)
