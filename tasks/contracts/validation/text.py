"""Checks on free text: was it decoded as it was written, is it in a known language, is it new."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

MOJIBAKE = re.compile("Ã[\x80-\xbf©¨¤¶¼Ÿ§±]|â€[™œ\x9d“”¦]|Â[\xa0-\xbf]|ï»¿")
"""UTF-8 that was read as Windows-1252 and written again: the traces are always these."""
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd\ufffe\uffff]")
WORDS = re.compile(r"[^\W\d_]+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FUNCTION_WORDS: dict[str, frozenset[str]] = {
    "en": _words(
        "the a an and or but is are was were be been it its this that these those i you he she we "
        "they my your our not no of to in on at for with as from by have has had do does did so "
        "very all just will would can if me them what there when which who one out up about"
    ),
    "de": _words(
        "der die das und oder aber ist sind war waren ein eine einen nicht ich du er sie wir ihr "
        "es mit von zu auf für im den dem des auch sehr wie noch nur haben hat wird bei"
    ),
    "fr": _words(
        "le la les un une des et ou mais est sont était je tu il elle nous vous ils ne pas de du "
        "au aux en dans sur pour avec que qui ce cette très plus mon ma mes son sa"
    ),
    "es": _words(
        "el la los las un una y o pero es son era yo tú él ella nosotros no de del al en con por "
        "para que muy más mi su como fue está esta este todo lo se nos"
    ),
    "it": _words(
        "il lo la gli le un uno una e o ma è sono era io tu lui lei noi non di del della al in con "
        "per che molto più mio sua come questo questa anche ho"
    ),
    "pt": _words(
        "o a os as um uma e ou mas é são era eu você ele ela nós não de do da em com por para que "
        "muito mais meu sua como foi está este esta isso"
    ),
}
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
