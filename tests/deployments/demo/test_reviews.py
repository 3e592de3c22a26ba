import csv
import gzip
import time
from datetime import date
from itertools import pairwise

import numpy as np
import pytest

from deployments.demo.reviews import NEW_BAD, NEW_GOOD, ReviewShift, reviews, write_reviews
from tasks.contracts import load_contract
from tests.models.trained import ROOT

DAY = date(2026, 1, 1)
YOUNG = (*NEW_GOOD, *NEW_BAD)


def bag_of_words(train, test, pairs=False):
    """Accuracy of logistic regression on TF-IDF of words, or of words and pairs."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    words = TfidfVectorizer(ngram_range=(1, 2 if pairs else 1))
    model = make_pipeline(words, LogisticRegression(C=10, max_iter=300))
    return model.fit(train["text"], train["label"]).score(test["text"], test["label"])


def test_the_same_seed_makes_the_same_reviews_and_another_does_not():
    one, same = (reviews(300, DAY, 30, seed=4) for _ in range(2))
    other = reviews(300, DAY, 30, seed=5)
    assert all((one[name] == same[name]).all() for name in one)
    assert (one["text"] != other["text"]).any()


def test_reviews_keep_their_contract():
    contract = load_contract("reviews", ROOT / "data_contracts")
    made = reviews(2000, DAY, 30, seed=1)
    assert set(made) == set(contract.column_names)
    assert set(made["domain"]) == {"restaurant", "product", "movie"}
    assert set(made["label"]) == {0, 1}
    assert len(set(made["row"])) == len({text.lower() for text in made["text"]}) == 2000
    assert made["reviewed_on"].min() >= np.datetime64(DAY)
    assert (np.diff(made["reviewed_on"]) >= np.timedelta64(0)).all()
    assert made["label"].mean() == pytest.approx(0.5, abs=0.05)


def test_order_decides_what_words_alone_do_not():
    made = reviews(5000, DAY, 30, seed=2)
    first, last = (
        {n: v[part] for n, v in made.items()} for part in (slice(4000), slice(4000, None))
    )
    plain, pairs = bag_of_words(first, last), bag_of_words(first, last, pairs=True)
    assert 0.65 < plain < 0.8
    assert pairs > plain + 0.06


def test_some_reviewers_write_nearly_the_same_again():
    made = reviews(2000, DAY, 30, seed=3)
    by = {}
    for reviewer, text in zip(made["reviewer"], made["text"], strict=True):
        by.setdefault(reviewer, []).append(set(text.lower().strip(".").split()))
    again = [texts for texts in by.values() if len(texts) > 1]
    assert 0.1 < sum(len(texts) - 1 for texts in again) / 2000 < 0.2
    alike = [len(a & b) / len(a | b) for texts in again for a, b in pairwise(texts)]
    strangers = [len(a[0] & b[0]) / len(a[0] | b[0]) for a, b in pairwise(by.values())]
    assert np.mean(alike) > np.mean(strangers) + 0.2


def test_a_new_topic_and_new_words_make_a_model_worse():
    before = reviews(4000, DAY, 30, seed=6)
    usual, moved = (
        reviews(1000, date(2026, 3, 1), 10, seed=7, shift=shift)
        for shift in (ReviewShift(), ReviewShift(new_topic=0.5, new_words=0.6))
    )
    assert not any(word in text for text in usual["text"] for word in YOUNG)
    assert np.mean([any(word in text for word in YOUNG) for text in moved["text"]]) > 0.6
    assert np.mean(["courier" in text or "chatbot" in text for text in moved["text"]]) > 0.15
    assert bag_of_words(before, moved, pairs=True) < bag_of_words(before, usual, pairs=True) - 0.1


def test_reviews_are_written_as_one_file_a_day(tmp_path):
    made = reviews(120, DAY, 10, seed=1)
    files = write_reviews(tmp_path, made)
    assert files[0].parent == tmp_path / "reviews" / "year=2026" / "month=01" / "day=01"
    rows = []
    for file in files:
        with gzip.open(file, "rt", encoding="utf-8", newline="") as opened:
            rows += list(csv.DictReader(opened))
    assert [row["text"] for row in rows] == list(made["text"])
    assert rows[0]["reviewed_on"] == "2026-01-01"
    again = write_reviews(tmp_path / "again", made)
    assert [file.read_bytes() for file in again] == [file.read_bytes() for file in files]


def test_a_demo_does_not_wait_for_its_reviews():
    began = time.process_time()
    reviews(3000, DAY, 120, seed=1)
    assert time.process_time() - began < 2.0
