"""The state folder: whose it is, what it refuses, and what a full or faulty disk does."""

import sqlite3

import pytest
from botocore.exceptions import ClientError

from embedded_aws import EmbeddedAws
from embedded_aws.protocol.service import AwsFault
from embedded_aws.state import StateError, Store
from embedded_aws.state.store import DATABASE


def test_two_cannot_have_it_open(tmp_path) -> None:
    store = Store(tmp_path)
    with pytest.raises(StateError, match=r"has .* open"):
        Store(tmp_path)
    store.close()
    Store(tmp_path).close()


@pytest.mark.parametrize("name", ["format", "moto", "python"])
def test_what_other_versions_wrote_is_refused_and_left_alone(tmp_path, name) -> None:
    store = Store(tmp_path)
    store.put("kind", "", "key", b"precious")
    store.note(name, "0.1")
    store.close()
    with pytest.raises(StateError, match=rf"{name} 0\.1.*Nothing was changed.*Next"):
        Store(tmp_path)
    with sqlite3.connect(tmp_path / DATABASE) as database:
        assert database.execute("SELECT value FROM records").fetchall() == [(b"precious",)]


@pytest.mark.parametrize("harm", ["truncated", "overwritten"])
def test_a_torn_database_is_refused_and_left_alone(tmp_path, harm) -> None:
    store = Store(tmp_path)
    for i in range(200):
        store.put("kind", "", str(i), bytes(1000))
    store.close()
    path = tmp_path / DATABASE
    whole = path.read_bytes()
    torn = whole[: len(whole) // 2] if harm == "truncated" else b"no database" + whole[11:]
    path.write_bytes(torn)
    with pytest.raises(StateError, match=r"cannot be read.*Next"):
        Store(tmp_path)
    assert path.read_bytes() == torn


def test_a_transaction_is_kept_as_a_whole_or_not_at_all(tmp_path) -> None:
    store = Store(tmp_path)

    def half() -> None:
        with store.write():
            store.put("kind", "", "one", b"1")
            raise KeyError

    with pytest.raises(KeyError):
        half()
    assert store.records("kind") == []
    store.close()


def full(store: Store) -> None:
    """Let the database be as full as a disk can be: SQLite says so itself."""
    [[pages]] = store.rows("PRAGMA page_count")
    store.rows(f"PRAGMA max_page_count = {pages}")


def roomy(store: Store) -> None:
    store.rows("PRAGMA max_page_count = 1000000")


def test_a_full_disk_refuses_the_write(tmp_path) -> None:
    store = Store(tmp_path)
    full(store)
    with pytest.raises(AwsFault, match=r"full.*make room") as refused:
        store.put("kind", "", "key", bytes(100_000))
    assert refused.value.status == 503
    roomy(store)
    store.put("kind", "", "key", b"1")
    store.close()


def test_what_a_full_disk_refused_is_kept_before_anything_else_once_there_is_room(tmp_path) -> None:
    with EmbeddedAws(state_dir=tmp_path, keep=True) as aws:
        s3 = aws.client("s3")
        s3.meta.events.register("needs-retry.s3", lambda **_: None)
        s3.create_bucket(Bucket="sluice-lake")
        s3.put_object(Bucket="sluice-lake", Key="before", Body=b"1")
        store = aws._store
        full(store)

        def fill() -> None:
            for i in range(200):  # until the pages that are there are full
                s3.put_object(Bucket="sluice-lake", Key=f"k{i}", Body=bytes(3000))

        with pytest.raises(ClientError, match="ServiceUnavailable"):
            fill()
        with pytest.raises(ClientError, match="ServiceUnavailable"):
            s3.put_object(Bucket="sluice-lake", Key="after", Body=b"1")
        roomy(store)
        s3.put_object(Bucket="sluice-lake", Key="after", Body=b"1")
        names = [o["Key"] for o in s3.list_objects_v2(Bucket="sluice-lake")["Contents"]]
    with EmbeddedAws(state_dir=tmp_path, keep=True) as aws:
        s3 = aws.client("s3")
        assert [o["Key"] for o in s3.list_objects_v2(Bucket="sluice-lake")["Contents"]] == names


def test_a_body_that_the_disk_has_lost_is_told_and_not_served_as_if_it_were_whole(tmp_path) -> None:
    large = bytes(50_000)
    with EmbeddedAws(state_dir=tmp_path, keep=True) as aws:
        s3 = aws.client("s3")
        s3.create_bucket(Bucket="sluice-lake")
        s3.put_object(Bucket="sluice-lake", Key="large", Body=large)
    [body] = (tmp_path / "bodies").glob("*/*")
    body.write_bytes(large[:100])
    with EmbeddedAws(state_dir=tmp_path, keep=True) as aws:
        with pytest.raises(ClientError, match="torn or missing"):
            aws.client("s3").get_object(Bucket="sluice-lake", Key="large")
        # The same content is whole again as soon as it is put again.
        aws.client("s3").put_object(Bucket="sluice-lake", Key="other", Body=large)
        got = aws.client("s3").get_object(Bucket="sluice-lake", Key="large")
        assert got["Body"].read() == large


def test_it_must_be_alone_in_its_process(tmp_path) -> None:
    with (
        EmbeddedAws(),
        pytest.raises(ValueError, match="alone"),
        EmbeddedAws(state_dir=tmp_path, keep=True),
    ):
        pass
