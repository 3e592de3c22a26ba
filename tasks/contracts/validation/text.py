"""Checks on free text: was it decoded as it was written, is it in a known language, is it new."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from tasks.contracts.languages import FUNCTION_WORDS

MOJIBAKE = re.compile("Ã[\x80-\xbf©¨¤¶¼Ÿ§±]|â€[™œ\x9d“”¦]|Â[\xa0-\xbf]|ï»¿")
"""UTF-8 that was read as Windows-1252 and written again: the traces are always these."""
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd\ufffe\uffff]")
WORDS = re.compile(r"[^\W\d_]+")
FOREIGN_WORDS = 3
FOREIGN_LETTERS = 0.5


def encoding_fault(text: str) -> str | None:
    """What shows that a text was decoded wrongly, or None."""
    match = CONTROL.search(text)
    if match:
        return f"sign U+{ord(match.group()):04X} at {match.start()}"
    match = MOJIBAKE.search(text)
    if match:
        return f"{match.group()!r} at {match.start()}: UTF-8 read as Windows-1252"
    return None


def language_fault(text: str, languages: Sequence[str]) -> str | None:
    """The other language that a text is plainly in, or None.

    Plainly means half of its letters in another script, or at least three function words of
    another language and more of them than of any allowed one: a short or mixed text passes.
    """
    letters = [sign for sign in text if sign.isalpha()]
    foreign = [sign for sign in letters if not unicodedata.name(sign, "").startswith("LATIN")]
    if letters and len(foreign) > FOREIGN_LETTERS * len(letters):
        script = unicodedata.name(foreign[0], "another").split()[0].lower()
        return f"written in {script} script"
    words = [word.lower() for word in WORDS.findall(text)]
    counts = {
        language: sum(word in known for word in words) for language, known in FUNCTION_WORDS.items()
    }
    allowed = max((counts.get(language, 0) for language in languages), default=0)
    others = {name: count for name, count in counts.items() if name not in languages}
    likely = max(others, key=lambda name: others[name], default=None)
    if likely is None or others[likely] < FOREIGN_WORDS or others[likely] <= allowed:
        return None
    return (
        f"reads as {likely} ({others[likely]} function words, {allowed} of {'/'.join(languages)})"
    )


def normalised(text: str) -> str:
    """What two texts share that differ only in case, blanks, punctuation or Unicode form."""
    return " ".join(WORDS.findall(unicodedata.normalize("NFKC", text).casefold())) or text
