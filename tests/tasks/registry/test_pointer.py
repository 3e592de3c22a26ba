from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import PointerMoved, VersionUnknown
from tasks.registry import CandidateHistory, RetentionPolicy, StatusChange
from tasks.registry.history import way_back
from tasks.registry.names import order, version_of
from tasks.registry.retention import archive, plan
from tasks.values import Pointer

V1, V2, V3 = "v20260101_020000", "v20260102_020000", "v20260103_020000"
BUCKET = "sluice-models"


def test_a_move_names_its_previous_version_actor_and_reason(shelf: Any) -> None:
    shelf.put(V1), shelf.put(V2)
    move = shelf.registry.move_pointer
    move(shelf.model, V1, expected=None, actor="ann", reason="first")
    move(shelf.model, V2, expected=V1, actor="bob", reason="better")
    found = shelf.registry.pointer(shelf.model)
    assert (found.version, found.previous, found.actor, found.reason, found.rollback) == (
        V2, V1, "bob", "better", False,
    )  # fmt: skip
    head = shelf.s3.head_object(Bucket=BUCKET, Key=f"{shelf.model}/latest.json")
    assert head["CacheControl"] == "public, max-age=300"


def test_repeating_a_move_changes_nothing(shelf: Any) -> None:
    shelf.put(V1), shelf.put(V2)
    move = shelf.registry.move_pointer
    move(shelf.model, V1, expected=None, actor="ann", reason="first")
    moved = move(shelf.model, V2, expected=V1, actor="bob", reason="better")
    assert move(shelf.model, V2, expected=V1, actor="eve", reason="again") == moved


def test_a_pointer_moved_by_somebody_else_is_not_overwritten(shelf: Any) -> None:
    for version in (V1, V2, V3):
        shelf.put(version)
    move = shelf.registry.move_pointer
    move(shelf.model, V1, expected=None, actor="ann", reason="first")
    move(shelf.model, V2, expected=V1, actor="bob", reason="better")
    with pytest.raises(PointerMoved, match=V2):
        move(shelf.model, V3, expected=V1, actor="eve", reason="late")


def test_of_many_movers_in_one_moment_exactly_one_moves(shelf: Any) -> None:
    versions = [f"v20260101_0200{n:02d}" for n in range(6)]
    for version in versions:
        shelf.put(version)
    won: list[str] = []

    def mover(version: str) -> None:
        try:
            shelf.registry.move_pointer(
                shelf.model, version, expected=None, actor=version, reason="race"
            )
        except PointerMoved:
            return
        won.append(version)

    threads = [threading.Thread(target=mover, args=(version,)) for version in versions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [shelf.registry.pointer(shelf.model).version]


def test_a_move_whose_answer_is_lost_has_moved(shelf: Any) -> None:
    shelf.put(V1)
    shelf.aws.faults.add(kind="lost_answer", service="s3", action="PutObject", times=1, drop=True)
    shelf.registry.move_pointer(shelf.model, V1, expected=None, actor="ann", reason="first")
    assert shelf.registry.pointer(shelf.model).version == V1


def test_the_pointer_names_only_what_exists(shelf: Any) -> None:
    with pytest.raises(VersionUnknown):
        shelf.registry.move_pointer(shelf.model, V1, expected=None, actor="a", reason="r")


def test_one_move_asks_for_one_invalidation_however_often_it_is_repeated(shelf: Any) -> None:
    shelf.put(V1)
    cdn = shelf.aws.client("cloudfront")
    made = cdn.create_distribution(
        DistributionConfig={
            "CallerReference": shelf.model, "Comment": "", "Enabled": True,
            "Origins": {"Quantity": 1, "Items": [
                {"Id": "s3", "DomainName": f"{BUCKET}.s3.amazonaws.com",
                 "S3OriginConfig": {"OriginAccessIdentity": ""}}]},
            "DefaultCacheBehavior": {
                "TargetOriginId": "s3", "ViewerProtocolPolicy": "https-only", "MinTTL": 0,
                "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
            },
        }
    )  # fmt: skip
    distribution = made["Distribution"]["Id"]
    registry = replace(shelf.registry, distribution_id=distribution)
    moved = registry.move_pointer(shelf.model, V1, expected=None, actor="ann", reason="first")
    ids = [registry.invalidate(moved), registry.invalidate(moved)]
    told = [cdn.get_invalidation(DistributionId=distribution, Id=i)["Invalidation"] for i in ids]
    # CloudFront starts a caller reference only once; both calls must bear the same.
    assert len({one["InvalidationBatch"]["CallerReference"] for one in told}) == 1
    assert told[0]["InvalidationBatch"]["Paths"]["Items"] == [f"/{shelf.model}/*"]
    assert shelf.registry.invalidate(moved).startswith("(no CDN")


def test_the_history_keeps_every_outcome_once(shelf: Any) -> None:
    write = shelf.registry.record
    assert shelf.registry.history(shelf.model, "one") is None
    write(shelf.model, "one", "published", actor="a", reason="r", version=V1)
    write(shelf.model, "one", "released", actor="a", reason="r", version=V1)
    write(shelf.model, "one", "released", actor="b", reason="said twice", version=V1)
    found = shelf.registry.history(shelf.model, "one")
    assert [entry.status for entry in found.entries] == ["published", "released"]
    assert found.version == V1
    assert [record.identity for record in shelf.registry.histories(shelf.model)] == ["one"]


def test_a_record_that_was_stored_as_a_fate_is_read_and_goes_on(shelf: Any) -> None:
    entry = {"at": "2026-01-01T00:00:00", "fate": "published", "actor": "a", "reason": "r"}
    stored = {
        "schema_version": 1,
        "model": shelf.model,
        "identity": "old",
        "entries": [{**entry, "version": V1}],
    }
    key = f"_ledger/{shelf.model}/old.json"
    shelf.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(stored).encode())
    shelf.registry.record(shelf.model, "old", "released", actor="b", reason="proven", version=V1)
    (history,) = shelf.registry.histories(shelf.model)
    assert [change.status for change in history.entries] == ["published", "released"]
    assert (history.status, history.version) == ("released", V1)


def test_archiving_tags_what_nobody_needs(shelf: Any) -> None:
    versions = [f"v20260101_0200{n:02d}" for n in range(5)]
    for version in versions:
        shelf.put(version)
    shelf.registry.move_pointer(shelf.model, versions[4], expected=None, actor="a", reason="r")
    done = shelf.registry.archive_old(shelf.model, [versions[1]], RetentionPolicy(keep=2))
    assert done.archive == (versions[0], versions[2])

    def tags(version: str, name: str) -> list[Any]:
        key = f"{shelf.model}/{version}/{name}"
        return list(shelf.s3.get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"])

    assert tags(versions[0], "a.bin") == [{"Key": "sluice-archive", "Value": "true"}]
    assert tags(versions[0], "manifest.json") == []
    assert tags(versions[1], "a.bin") == []
    assert archive(BUCKET, shelf.model, done.archive) == 0, "what is archived costs nothing twice"


def record(version: str, status: Any, at: str) -> CandidateHistory:
    entry = StatusChange(at=at, status=status, actor="a", reason="r", version=version)
    return CandidateHistory(model="m", identity=version, entries=(entry,))


def test_the_way_back_never_leads_to_a_version_that_was_rolled_back() -> None:
    known = [record(V1, "released", "1"), record(V3, "rolled_back", "3")]
    straight = Pointer(model="m", version=V3, timestamp="", previous=V2, actor="a", reason="r")
    assert way_back(straight, known) == V2
    back = straight.model_copy(update={"version": V2, "previous": V3, "rollback": True})
    assert way_back(back, [*known, record(V2, "released", "2")]) == V1
    assert way_back(back, []) is None
    assert way_back(None, known) is None


@given(
    seconds=st.lists(st.integers(0, 4_000_000_000), unique=True, min_size=1, max_size=30),
    keep=st.integers(2, 12),
    data=st.data(),
)
def test_retention_never_archives_what_serves_or_its_way_back(
    seconds: list[int], keep: int, data: st.DataObject
) -> None:
    versions = [version_of(s) for s in seconds]
    serves, previous, used = (data.draw(st.sampled_from(versions)) for _ in range(3))
    pointer = Pointer(
        model="m", version=serves, previous=previous, timestamp="", actor="a", reason="r"
    )
    found = plan(versions, pointer, [used], RetentionPolicy(keep=keep))
    assert sorted([*found.keep, *found.archive]) == sorted(versions)
    assert {serves, previous, used} <= set(found.keep)
    newest = sorted(versions, key=order)[-keep:]
    assert set(newest) <= set(found.keep)
    assert plan(versions, None, [], RetentionPolicy(keep=keep)).archive == ()


def test_semantic_versions_are_ordered_as_semver_says() -> None:
    versions = ["v20260101_020000", "1.10.0", "1.9.0", "1.10.0-rc.1"]
    assert sorted(versions, key=order) == ["1.9.0", "1.10.0-rc.1", "1.10.0", "v20260101_020000"]
