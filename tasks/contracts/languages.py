"""Languages that a text can be told to be in, by its function words."""

from __future__ import annotations


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
