"""One text: a review, a message, a question; read as words and words side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.runtime.input import Features, Floats, Input, InvalidFeature, Treated
from models.runtime.script_mode import Hyperparameters
from models.runtime.signature import Arrays, Tensor
from models.runtime.split import ChannelColumn
from models.runtime.tables.cells import cell
from models.runtime.tables.columns import CLIENT_TYPES, array, read_table, row_ids
from models.runtime.tables.operations import operations
from models.runtime.texts.words import Words, described

TREATMENTS = frozenset({"text", "drop"})
PLAIN_BUCKETS = 1024


class Text(Input):
    """Ids of words of one column; all others tell nothing.

    Hyperparameters: ``words`` that are read of a text, ``grams`` of words side by side, and the
    ``buckets`` that share the ids.
    """

    formats: ClassVar[frozenset[str]] = frozenset({"csv", "jsonl", "parquet"})
    networks: ClassVar[tuple[str, ...]] = ("bag",)
    draft_columns: ClassVar[tuple[ChannelColumn, ...]] = (
        ChannelColumn("id", "string", required=True, key=True),
        ChannelColumn("text", "string", required=True),
    )

    def __init__(self, spec: Mapping[str, Any]) -> None:
        super().__init__(spec)
        self._column: Mapping[str, Any] = spec["columns"][0]
        self._words = Words(spec["text"])

    @classmethod
    def schema(
        cls,
        columns: Sequence[ChannelColumn],
        label: str,
        features: Mapping[str, str],
        hyperparameters: Hyperparameters,
    ) -> dict[str, Any]:
        """The column that is read, and how its texts become ids."""
        column = _text_column(columns, label, features)
        try:
            text = described(
                hyperparameters.integer("words", 128, least=1),
                hyperparameters.integers("grams", (1, 2), least=1),
                hyperparameters.integer("buckets", 16_384, least=1),
            )
        except ValueError as error:
            raise InvalidFeature(f"training.hyperparameters: {error}") from error
        return {
            "kind": "text",
            "row_id": [c.name for c in columns if c.key and c.type in CLIENT_TYPES],
            "columns": [{"name": column.name, "type": "text", "required": column.required}],
            "text": text,
        }

    @classmethod
    def treated(
        cls,
        columns: Sequence[ChannelColumn],
        label: str,
        features: Mapping[str, str],
        hyperparameters: Hyperparameters,
    ) -> Iterator[Treated]:
        """The column that is read, and the others."""
        read = cls.schema(columns, label, features, hyperparameters)
        text, name = read["text"], read["columns"][0]["name"]
        sizes = " and ".join(str(gram["size"]) for gram in text["grams"])
        how = f"the first {text['words']} words, by {sizes} side by side"
        for column in columns:
            if column.name == name:
                yield Treated(name, how)
            elif column.name != label:
                yield Treated(column.name, "dropped (one text is read)", used=False)

    def fit(
        self,
        inputs: Arrays,
        features: Features | None,
        _hyperparameters: Hyperparameters,
    ) -> dict[str, Any]:
        """Nothing is learned but a text of middling length, as an example."""
        if features is not None:
            raise InvalidFeature("features() of model.py: a text is learned from its words")
        texts = sorted(map(str, inputs[self._column["name"]]), key=lambda text: (len(text), text))
        return {**self.spec, "columns": [{**self._column, "example": texts[len(texts) // 2]}]}

    def without_demands(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """The text may be missing."""
        return {**spec, "columns": [{**c, "required": False} for c in spec["columns"]]}

    def read(
        self, channel: Path, label: str
    ) -> tuple[NDArray[np.str_], dict[str, NDArray[Any]], list[Any]]:
        """The text's column of all Parquet files of a channel."""
        ids, name = list(self.spec["row_id"]), self._column["name"]
        table = read_table(channel, list(dict.fromkeys([*ids, label, name])))
        texts = array(table[name], "text")
        return row_ids(table, ids), {name: texts}, table[label].to_pylist()

    def decode(self, instances: Sequence[Any]) -> dict[str, NDArray[Any]]:
        """JSON instances → texts. An instance is ``{"<column>": "<text>"}``."""
        texts = [cell(row, self._column, number) for number, row in enumerate(instances)]
        return {self._column["name"]: np.array(texts, dtype=object)}

    def instances(self, inputs: Arrays) -> list[Any]:
        """One object per row."""
        name = self._column["name"]
        return [{name: str(text)} for text in inputs[name]]

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """Ids of the words of one text, of its pairs of words, and so on."""
        return self._words.tensors

    def transform(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """Texts (n rows) → int32 [n, length] by tensor."""
        texts = [str(text) for text in inputs[self._column["name"]]]
        return dict(self._words.ids(texts))

    def plain(self, inputs: Arrays) -> Floats:
        """A bag of hashed words, which knows nothing of their order."""
        feature = {
            "op": "hashed_words",
            "column": self._column["name"],
            "buckets": PLAIN_BUCKETS,
        }
        return operations([feature])[0](inputs)

    def example(self) -> dict[str, Any]:
        """A text of the training rows."""
        return {self._column["name"]: self._column["example"]}


def _text_column(
    columns: Sequence[ChannelColumn], label: str, features: Mapping[str, str]
) -> ChannelColumn:
    """The column that ``data.features`` calls a text, else the contract, else the only one left.

    Raises:
        InvalidFeature: there is none, or several; or ``data.features`` says what no text can be.
    """
    known = {
        column.name: column
        for column in columns
        if column.name != label and CLIENT_TYPES.get(column.type) == "text"
    }
    faults = [
        f"{name} is {'the label' if name == label else 'no column of text'}"
        if name not in known and treatment != "drop"
        else f"{name}: {treatment} is none of {', '.join(sorted(TREATMENTS))}"
        for name, treatment in features.items()
        if (name not in known and treatment != "drop") or treatment not in TREATMENTS
    ]
    if faults:
        raise InvalidFeature(f"data.features: {'; '.join(faults)}")
    left = [column for column in known.values() if features.get(column.name) != "drop"]
    asked = [column for column in left if features.get(column.name) == "text"]
    looked = [column for column in left if column.kind == "text" and not column.key]
    plain = [column for column in left if not column.key and not column.values]
    for found in (asked, looked, plain):
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(column.name for column in found)
            raise InvalidFeature(
                f"one column of text is read, and {names} are some; let data.features say `text` "
                "of one, or `drop` of the others"
            )
    raise InvalidFeature(f"no column of text is left that {label} could be told from")
