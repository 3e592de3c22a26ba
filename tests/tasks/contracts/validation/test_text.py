import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.contracts.validation.text import encoding_fault, language_fault, normalised


@pytest.mark.parametrize(
    "text",
    [
        "Crust is not good.",
        "The crêpe was über-délicieux, naïve me!",
        "5/5 €10 – “great” …",
        "日本語は大丈夫",
        "",
    ],
)
def test_text_that_was_decoded_well_passes(text):
    assert encoding_fault(text) is None


@pytest.mark.parametrize(
    "text", ["The crÃªpe", "itâ€™s fine", "10 Â£", "bad \ufffd sign", "a\x07b"]
)
def test_traces_of_a_wrong_encoding_are_found(text):
    assert encoding_fault(text)


@given(st.text(alphabet="éèêëàâäôöüïîçñß", min_size=1, max_size=20))
def test_any_accented_text_read_as_windows_1252_is_found(text):
    try:
        wrong = text.encode().decode("cp1252")
    except UnicodeDecodeError:
        return
    assert encoding_fault(wrong)


@pytest.mark.parametrize(
    "text",
    [
        "Crust is not good.",
        "Wow... Loved this place.",
        "Sushi, ramen, tapas, gnocchi!",
        "Bon appétit, la vie est belle",
        "Great",
        "",
        "10/10",
    ],
)
def test_short_and_mixed_english_passes(text):
    assert language_fault(text, ["en"]) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Das Essen war nicht gut und wir sind sehr enttäuscht", "de"),
        ("La comida no es muy buena y el servicio es lento", "es"),
        ("Le service est très lent et la soupe ne vaut pas le prix", "fr"),
        ("Вкусно и быстро", "cyrillic"),
        ("とても美味しい", "hiragana"),
    ],
)
def test_plainly_another_language_is_found(text, said):
    assert said in (language_fault(text, ["en"]) or "")
    assert language_fault("Das Essen war nicht gut und wir sind enttäuscht", ["en", "de"]) is None


def test_copies_that_differ_in_dress_only_are_the_same():
    assert normalised("Great  food!!") == normalised("great food") == normalised("ＧＲＥＡＴ food.")
    assert normalised("!!!") != normalised("???")
    assert normalised("Great food") != normalised("Great foods")


def test_reviews_are_judged_as_text(lake, judge, written):
    lake.dataset = "reviews"
    rows = [("restaurant", n, f"Sentence {'abcdefgh'[n % 8] * (n // 8 + 1)} was good", n % 2)
            for n in range(60)]  # fmt: skip
    rows += [
        ("restaurant", 60, "SENTENCE a was good!", 1),
        ("movie", 60, "Sentence a was good", 1),
        ("movie", 61, "itâ€™s fine", 1),
        ("movie", 62, "Das ist nicht gut und wir sind sehr traurig", 0),
        ("movie", 63, "x", 0),
    ]
    lake.csv("part.csv.gz", rows, ["domain", "row", "text", "label"])
    report = judge(written("reviews").model_copy(update={"quarantine_limit": 0.2}), lake)
    assert report.outcome == "pass", report.reason
    assert judge.reasons() == {
        62: ["no_duplicate_text"],
        64: ["text_encoding"],
        65: ["text_language"],
        66: ["text.length"],
    }
    assert report.columns["text"] == "text"
