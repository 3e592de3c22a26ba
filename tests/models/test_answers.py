"""What was said of held-out rows goes to a file and comes back, or is refused with a reason."""

import io
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.runtime import answers
from models.runtime.answers import HeldOutAnswers, InvalidAnswers, distinct
from models.runtime.tasks.multi_label import MultiLabel

SOUND = HeldOutAnswers(
    "regression",
    {"kind": "number", "transform": "none"},
    np.asarray(["a", "b", "a"]),
    np.asarray([1.0, 2.0, 3.0]),
    np.asarray([1.5, 2.5, 2.0]),
    np.asarray([1.0, 1.0, 1.0]),
)


def members(**changed):
    """The arrays of a sound file, some of them another."""
    sound = {
        "format": np.asarray(1),
        "task": np.asarray("regression"),
        "output": np.asarray("{}"),
        "rows": np.asarray(["a", "b"]),
        "labels": np.asarray([1.0, 2.0]),
        "predicted": np.asarray([1.0, 2.0]),
    }
    return {name: value for name, value in {**sound, **changed}.items() if value is not None}


def test_a_file_comes_back_as_it_was_written(tmp_path):
    assert answers.write(tmp_path / answers.FILE, SOUND)
    back = answers.load(tmp_path / answers.FILE)
    assert (back.task, back.output) == (SOUND.task, SOUND.output)
    assert back.rows.tolist() == ["a", "b", "a (2)"]
    for name in ("labels", "predicted", "plain"):
        np.testing.assert_array_equal(getattr(back, name), getattr(SOUND, name))


def test_lists_of_names_come_back_as_their_task_has_them(tmp_path):
    labels = MultiLabel.labels([["x", "y"], [], ["y"]])
    said = HeldOutAnswers(
        "multi-label", {}, np.asarray(["1", "2", "3"]), labels, np.full((3, 2), 0.5)
    )
    answers.write(tmp_path / answers.FILE, said)
    back = answers.load(tmp_path / answers.FILE)
    assert MultiLabel.labels(back.labels.tolist()).tolist() == labels.tolist()
    assert back.plain is None


@given(st.lists(st.text("ab()2 ", max_size=3), min_size=1, max_size=30))
def test_every_row_has_a_name_of_its_own_that_does_not_depend_on_later_rows(names):
    if any("(" in name for name in names):
        names = [name.replace("(", "") for name in names]
    told = distinct(np.asarray(names, dtype=np.str_)).tolist()
    assert len(set(told)) == len(names)
    assert distinct(np.asarray(names[:-1] or ["x"], dtype=np.str_)).tolist() == (told[:-1] or ["x"])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"format": np.asarray(2)}, "of format 2; format 1 is read here"),
        ({"format": None}, "KeyError"),
        ({"rows": np.asarray(["a", "a"])}, "two rows bear one name"),
        ({"rows": np.asarray([1, 2])}, "no list of names"),
        ({"rows": np.asarray([], dtype="U1")}, "no list of names"),
        ({"labels": np.asarray([1.0])}, "2 rows have labels of shape"),
        ({"predicted": np.asarray([1.0, np.nan])}, "no finite number for each of the 2 rows"),
        ({"predicted": np.asarray([1.0])}, "no finite number for each of the 2 rows"),
        ({"predicted": np.ones((2, 1, 1))}, "predicted is float64 of shape"),
        ({"predicted": np.asarray(["a", "b"])}, "predicted is <U1"),
        ({"plain": np.asarray([1.0, 2.0, 3.0])}, "plain is no finite number"),
        ({"output": np.asarray("[1]")}, "output is list"),
        ({"output": np.asarray("[" * 100_000)}, "output is nested too deeply"),
        ({"output": np.asarray("{")}, "is no file of answers"),
    ],
)
def test_what_does_not_fit_together_is_refused(tmp_path, changed, said):
    path = tmp_path / answers.FILE
    np.savez_compressed(path, **members(**changed))
    with pytest.raises(InvalidAnswers, match=said):
        answers.load(path)


def test_objects_are_never_unpickled(tmp_path):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("it was unpickled",))

    path = tmp_path / answers.FILE
    np.savez_compressed(path, **members(labels=np.asarray([Trap(), Trap()], dtype=object)))
    with pytest.raises(InvalidAnswers, match="neither numbers nor texts"):
        answers.load(path)


def header(shape):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": "<f8", "fortran_order": False, "shape": shape}
    )
    return file.getvalue()


def test_a_header_that_promises_more_than_there_is_takes_no_memory(tmp_path):
    path = tmp_path / answers.FILE
    np.savez(path, **members(predicted=None))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("predicted.npy", header((1 << 45,)))
    with pytest.raises(InvalidAnswers, match="of which it holds fewer bytes"):
        answers.load(path)


def test_what_unpacks_to_too_much_is_refused_unread(tmp_path):
    path = tmp_path / answers.FILE
    np.savez_compressed(path, **members(more=np.zeros(5_000)))
    with pytest.raises(InvalidAnswers, match="it unpacks to"):
        answers.load(path, largest=10_000)


def test_answers_that_are_too_large_are_not_written_and_the_log_says_so(tmp_path, capsys):
    assert not answers.write(tmp_path / answers.FILE, SOUND, largest=100)
    assert not (tmp_path / answers.FILE).exists()
    assert "more than is kept" in capsys.readouterr().out


@given(content=st.binary(max_size=300))
@settings(max_examples=50)
def test_whatever_a_file_holds_there_is_one_kind_of_error(content, tmp_path_factory):
    path = tmp_path_factory.mktemp("answers") / answers.FILE
    path.write_bytes(content)
    with pytest.raises(InvalidAnswers):
        answers.load(path)


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / answers.FILE
    answers.write(path, SOUND)
    sound = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    for member in members:
        # A member's data stand behind 30 bytes, its name, and an extra field of this length.
        name, extra = struct.unpack_from("<HH", sound, member.header_offset + 26)
        place = member.header_offset + 30 + name + extra + member.compress_size // 2
        path.write_bytes(sound[:place] + bytes([sound[place] ^ 0xFF]) + sound[place + 1 :])
        with pytest.raises(InvalidAnswers, match=answers.FILE):
            answers.load(path)
