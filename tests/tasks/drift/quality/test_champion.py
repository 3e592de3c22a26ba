"""The champion on newly labelled rows, what follows from it, and how often it is told."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.drift import compare, profile_batches
from tasks.drift.alarms.announced import AnnouncedDrift
from tasks.drift.alarms.claims import DAY_SECONDS, claim, confirm, told_columns
from tasks.drift.alarms.consequence import consequence
from tasks.drift.alarms.watch import keep_watch, last_watch, unanswered
from tasks.drift.history import Watching
from tasks.drift.quality.champion import follow, read_errors, reference_errors
from tasks.drift.quality.concept import ConceptPolicy
from tasks.drift.scoring import Scored, period_of, split_periods
from tasks.errors import UnreadableData
from tasks.training.due import Standing, reasons

END = date(2026, 3, 31)
POLICY = ConceptPolicy()


def weeks(seed, count, start=1, bias=0.0, spread=0.2, rows=300, waiting=0):
    """Periods after (or, with a negative start, before) END."""
    random = np.random.default_rng(seed)
    found = {}
    for index in range(start, start + count):
        score = random.normal(12, 1, rows + waiting)
        residual = random.normal(bias, spread, rows + waiting)
        residual[rows:] = np.nan
        name = str(END + timedelta(days=7 * index))
        found[name] = Scored(residual, np.abs(residual), score)
    return found


@pytest.fixture(scope="module")
def reference():
    return reference_errors(weeks(0, 8, start=-7), END, 7)


def test_a_champion_that_errs_as_it_did_is_left_alone(reference):
    found = follow(reference, weeks(1, 10), POLICY)
    assert found.outcome == "pass"
    assert found.now == pytest.approx(found.then, abs=0.02)
    assert found.labelled == 3_000
    assert not found.since


def test_a_bias_is_found_with_its_week_and_said_in_words(reference):
    found = follow(reference, {**weeks(1, 4), **weeks(2, 6, start=5, bias=0.1)}, POLICY)
    assert found.outcome == "fail"
    assert found.bias.outcome == "fail"
    assert found.since in {str(END + timedelta(days=7 * index)) for index in (4, 5, 6)}
    assert found.bias.change == pytest.approx(0.1, abs=0.03)
    assert "the champion's bias changed by +0." in found.reason


def test_an_error_that_grows_is_found_and_one_that_falls_is_not(reference):
    worse = follow(reference, weeks(3, 6, spread=0.3), POLICY)
    assert (worse.outcome, worse.error.outcome) == ("fail", "fail")
    assert follow(reference, weeks(3, 6, spread=0.15), POLICY).error.outcome == "pass"


def test_rows_without_a_label_are_estimated_and_never_followed(reference):
    found = follow(reference, weeks(4, 3, rows=0, waiting=400), POLICY)
    assert found.outcome == "inconclusive"
    assert (found.labelled, found.unlabelled, found.now) == (0, 1_200, None)
    assert found.estimated.error == pytest.approx(found.then, abs=0.02)
    assert not found.worse_expected
    assert "no labelled period" in found.reason


def test_errors_that_depend_on_the_score_are_expected_before_labels_arrive():
    random = np.random.default_rng(5)

    def scored(low, high, labelled):
        score = random.uniform(low, high, 600)
        residual = random.normal(0, 0.1 + score) if labelled else np.full(600, np.nan)
        return Scored(residual, np.abs(residual), score)

    before = {str(END - timedelta(days=7 * i)): scored(0, 1, labelled=True) for i in range(5)}
    found = follow(
        reference_errors(before, END, 7),
        {str(END + timedelta(days=7)): scored(0.7, 1, labelled=False)},
        POLICY,
    )
    assert found.worse_expected
    assert found.estimated.low > found.then


def test_reference_errors_travel_as_json(reference):
    assert read_errors(reference.model_dump_json().encode()) == reference
    with pytest.raises(UnreadableData, match=r"record of the champion.s errors .* Retrain"):
        read_errors(b"{}")


def report(shift):
    random = np.random.default_rng(6)
    batches = [pa.RecordBatch.from_pydict({"x": random.normal(m, 1, 4_000)}) for m in (0, shift)]
    base = profile_batches([batches[0]], {"x": "numeric"}, partition="2026-03-31")
    return compare(
        base, profile_batches([batches[1]], {"x": "numeric"}, base.grid, partition="2026-04-07")
    )


QUIET, MOVED = report(0), report(1)
PLAIN, CAREFUL, MUTE = (
    Watching(),
    Watching(unconfirmedDrift="notify"),
    Watching(notifyOnly=True),
)


@pytest.fixture(scope="module")
def right(reference):
    return follow(reference, weeks(1, 10), POLICY)


@pytest.fixture(scope="module")
def wrong(reference):
    return follow(reference, weeks(1, 10, bias=0.2), POLICY)


def test_what_follows_from_inputs_and_error(right, wrong):
    def kind(drift, followed, watching):
        return consequence(drift, followed, watching, "2026-04-01").kind

    assert kind(QUIET, right, PLAIN) == "nothing"
    assert kind(None, None, PLAIN) == "nothing"
    assert kind(MOVED, right, PLAIN) == "retrain"
    assert kind(QUIET, wrong, PLAIN) == "retrain"
    assert kind(QUIET, wrong, CAREFUL) == "retrain"
    assert kind(MOVED, wrong, CAREFUL) == "retrain"
    assert kind(MOVED, right, CAREFUL) == "notice"
    assert kind(MOVED, None, CAREFUL) == "notice"
    assert kind(MOVED, right.model_copy(update={"worse_expected": True}), CAREFUL) == "retrain"
    assert kind(MOVED, wrong, MUTE) == "notice"


def test_the_reason_names_both_and_says_why_nothing_starts(right, wrong):
    both = consequence(MOVED, wrong, PLAIN, "2026-04-01")
    assert both.reason.startswith("drift in x since 2026-04-07; the champion's bias changed by")
    alone = consequence(MOVED, right, CAREFUL, "2026-04-01")
    assert "not confirmed: the champion's error is" in alone.reason


def test_what_was_told_stands_and_is_not_told_again_but_for_a_new_reason(right, wrong):
    told = MOVED.model_copy(update={"followed": ("x",)})
    goes_on = consequence(told, right, PLAIN, "2026-04-01")
    assert (goes_on.kind, goes_on.repeats) == ("retrain", True)
    assert not consequence(MOVED, right, PLAIN, "2026-04-01").repeats
    assert not consequence(told, wrong, PLAIN, "2026-04-01").repeats
    assert consequence(told, right, MUTE, "2026-04-01").repeats


@pytest.mark.parametrize(("offset", "ends"), [(0, 0), (1, 7), (7, 7), (8, 14), (-1, 0), (-7, -7)])
def test_periods_are_anchored_at_the_champions_last_day(offset, ends):
    assert period_of(END + timedelta(days=offset), END, 7) == END + timedelta(days=ends)


def test_rows_are_split_into_whole_periods(tmp_path):
    days = [END + timedelta(days=offset) for offset in (1, 7, 8, 14, 15)]
    pq.write_table(pa.table({"x": range(5), "_day": days}), tmp_path / "part.parquet")
    names = split_periods(tmp_path, tmp_path / "out", END, 7, END + timedelta(days=16))
    assert names == (str(END + timedelta(days=7)), str(END + timedelta(days=14)))
    rows = [pq.read_table(tmp_path / "out" / name)["x"].to_pylist() for name in names]
    assert rows == [[0, 1], [2, 3]]


def test_pictures_are_split_with_their_labels(tmp_path):
    good = tmp_path / "good"
    good.mkdir()
    for offset in (1, 8):
        (good / f"{offset}.jpg").write_bytes(b"picture")
    (good / "labels.jsonl").write_text(
        "".join(f'{{"file": "{n}.jpg", "day": "{END + timedelta(days=n)}"}}\n' for n in (1, 8))
    )
    (name,) = split_periods(good, tmp_path / "out", END, 7, END + timedelta(days=13))
    assert sorted(path.name for path in (tmp_path / "out" / name).iterdir()) == [
        "1.jpg",
        "labels.jsonl",
    ]


@pytest.fixture
def bucket(aws_environment, request):
    from tasks.aws import client

    name = f"alarms-{abs(hash(request.node.name)) % 10**8}"
    client("s3").create_bucket(Bucket=name)
    return name


def test_a_week_has_an_upper_bound_over_all_champions(bucket):
    def ask(version, day, **more):
        refused = claim(bucket, "m", version, f"w{day}", day * DAY_SECONDS, 7.0, per_week=2, **more)
        if not refused:
            confirm(bucket, "m", version, **more)
        return refused

    assert ask("v1", 10) == ""
    assert ask("v1", 11).startswith("An alarm against v1 was raised 1.0 days ago")
    assert ask("v2", 12) == ""
    assert ask("v3", 13).startswith("2 alarms of m were raised within a week")
    assert ask("v3", 13, kind="notice") == "", "a word to people does not count, and is not counted"
    assert ask("v3", 14, kind="notice").startswith("An alarm")
    assert ask("v3", 17.5) == ""


def test_which_columns_were_told_is_remembered_once_it_was_said(bucket):
    def ask(day, columns, kind):
        return claim(
            bucket, "m", "v1", f"w{day}", day * DAY_SECONDS, 7.0, kind=kind, columns=columns
        )

    assert told_columns(bucket, "m", "v1") == {}

    def said(until):
        return AnnouncedDrift(since="2026-04-01", until=until, test="location", difference=0.3)

    first, later = said("2026-04-07"), said("2026-04-21")
    assert ask(1, {"x": first}, "notice") == ""
    assert told_columns(bucket, "m", "v1") == {}, "claimed, and not said"
    confirm(bucket, "m", "v1", "notice")
    assert told_columns(bucket, "m", "v1") == {"x": first}
    assert told_columns(bucket, "m", "v1", ("retrain",)) == {}, "no retraining was asked for"
    assert ask(8, {"x": later, "y": later}, "retrain") == ""
    confirm(bucket, "m", "v1")
    assert told_columns(bucket, "m", "v1") == {"x": later, "y": later}
    assert ask(9, {"x": first}, "notice") == ""
    confirm(bucket, "m", "v1", "notice")
    assert told_columns(bucket, "m", "v1")["x"] == later, "what was looked at last counts"
    assert told_columns(bucket, "m", "v2") == {}, "another champion, a fresh start"


def test_who_takes_up_a_claim_that_was_never_said_says_what_they_saw(bucket):
    def said(name):
        return {name: AnnouncedDrift(since="w1", until="w2", test="missing", difference=0.1)}

    def ask(day, columns):
        return claim(bucket, "m", "v1", f"w{day}", day * DAY_SECONDS, 7.0, columns=columns)

    assert ask(1, said("old")) == ""
    confirm(bucket, "m", "v1")
    assert ask(9, {**said("old"), **said("lost")}) == ""
    assert told_columns(bucket, "m", "v1") == said("old"), "a run that died took nothing back"
    assert ask(10, {**said("old"), **said("new")}) == ""
    confirm(bucket, "m", "v1")
    assert set(told_columns(bucket, "m", "v1")) == {"old", "new"}, "nobody heard of the lost one"


def test_drift_without_an_answer_is_a_reason_the_day_after(bucket, right):
    at = 20 * DAY_SECONDS
    found = consequence(MOVED, right, PLAIN, "2026-04-01")
    assert last_watch(bucket, "m", "v1") is None
    for _ in range(2):
        watch = keep_watch(bucket, "m", "v1", at, "w", found, right)
        assert watch.labelled == tuple(one.name for one in right.newest)
    assert last_watch(bucket, "m", "v1") == watch
    assert unanswered(bucket, "m", "v1", watch, at) == ""
    claim(bucket, "m", "v1", "w", at, 7.0)
    confirm(bucket, "m", "v1")
    assert unanswered(bucket, "m", "v1", watch, at + 0.5 * DAY_SECONDS) == ""
    late = unanswered(bucket, "m", "v1", watch, at + 2 * DAY_SECONDS)
    assert late == "drift in x since 2026-04-07, told 2 days ago"
    calm = consequence(QUIET, right, PLAIN, "2026-04-01")
    quiet = keep_watch(bucket, "m", "v1", at, "w", calm, right)
    assert unanswered(bucket, "m", "v1", quiet, at + 2 * DAY_SECONDS) == ""


def test_what_the_watch_found_makes_a_model_due():
    from tasks.model_spec import RetrainWhen

    when = RetrainWhen(max_metric_loss=0.1)
    seen = Standing(age_seconds=0, metric_then=0.10, metric_now=0.12, drift="drift in x")
    assert reasons(seen, when) == (
        "quality fell by 20%, from 0.1 to 0.12 (at most 10%)",
        "drift in x",
    )
    assert reasons(Standing(age_seconds=0, metric_then=0.10, metric_now=0.105), when) == ()
