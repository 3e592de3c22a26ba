"""Stream a table file into a profile: out of core, each value read once, memory constant."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Literal

from tasks.drift.grid import fit_grid, fits
from tasks.drift.profiles.columns import Recorder, recorder
from tasks.drift.profiles.grid import ColumnKind, Grid
from tasks.drift.profiles.profile import Profile, merged
from tasks.drift.profiles.readers import READERS, parquet_groups
from tasks.errors import ConfigurationError, UnreadableData

TableFormat = Literal["parquet", "csv", "jsonl"]
Source = str | Path | bytes | BinaryIO


def profile_table(
    source: Source,
    fmt: TableFormat,
    columns: Mapping[str, ColumnKind],
    grid: Grid | None = None,
    *,
    partition: str = "",
    threads: int = 1,
) -> Profile:
    """Profile one file.

    A column that the file lacks counts as null in every row; columns that are not named are not
    read. CSV and JSON lines may be gzip-compressed.

    Args:
        source: Path, bytes, or a seekable binary file.
        fmt: ``parquet``, ``csv`` (with a header) or ``jsonl``.
        columns: What each column is.
        grid: The baseline's grid; None fits one on the first 65,536 rows.
        partition: Name of the partition, e.g. its day; "" leaves the profile unnamed.
        threads: For Parquet files that are given by path: row groups read at the same time.

    Raises:
        UnreadableData: the file cannot be decoded in its format.
        ConfigurationError: no column is named, or ``grid`` was fitted for other columns.
    """
    if not columns:
        raise ConfigurationError(
            "No column is named for drift.", "Name at least one column and its kind."
        )
    if grid is not None and not fits(grid, columns):
        raise ConfigurationError(
            f"The grid was fitted for {sorted(grid.kinds)}, not for {sorted(columns)}.",
            "Fit a grid on the baseline for these columns and kinds.",
        )
    with _reading(source):
        if threads > 1 and fmt == "parquet" and isinstance(source, str | Path):
            return _threaded(Path(source), columns, grid, partition, threads)
        with ExitStack() as stack:
            batches = READERS[fmt](_opened(source, fmt, stack), columns)
            return _recorded(batches, columns, grid, partition)


def profile_batches(
    batches: Iterable[Any],
    columns: Mapping[str, ColumnKind],
    grid: Grid | None = None,
    *,
    partition: str = "",
) -> Profile:
    """Profile Arrow record batches, e.g. a model's predictions; see :func:`profile_table`."""
    return _recorded(iter(batches), columns, grid, partition)


def read_sample(source: Source, fmt: TableFormat, columns: Mapping[str, ColumnKind]) -> Any:
    """The first rows of a file, at most 65,536, as an Arrow record batch; to fit a grid on.

    Raises:
        UnreadableData: the file cannot be decoded in its format.
    """
    import pyarrow as pa

    with _reading(source), ExitStack() as stack:
        batches = READERS[fmt](_opened(source, fmt, stack), columns)
        with closing(batches):
            return next(batches, pa.RecordBatch.from_pydict({}))


def _recorded(
    batches: Iterator[Any], columns: Mapping[str, ColumnKind], grid: Grid | None, partition: str
) -> Profile:
    import pyarrow as pa

    recorders: dict[str, Recorder] = {}
    rows = 0
    for batch in batches:
        if grid is None:
            grid = fit_grid(batch, columns)
        if not recorders:
            recorders = {
                name: recorder(name, grid.kinds.get(name, kind), grid)
                for name, kind in columns.items()
            }
        rows += batch.num_rows
        present = set(batch.schema.names)
        for name, column in recorders.items():
            if name in present:
                column.add(batch.column(name))
            else:
                column.absent(batch.num_rows)
    if grid is None:
        grid = fit_grid(pa.table({}), columns)
    if not recorders:
        recorders = {
            name: recorder(name, grid.kinds.get(name, kind), grid) for name, kind in columns.items()
        }
    counts = dict(pair for column in recorders.values() for pair in column.counts())
    return Profile(grid, rows, (partition,) if partition else (), counts)


def _threaded(
    path: Path, columns: Mapping[str, ColumnKind], grid: Grid | None, partition: str, threads: int
) -> Profile:
    if grid is None:
        grid = fit_grid(read_sample(path, "parquet", columns), columns)
    shares = parquet_groups(path, threads)

    def share(groups: list[int]) -> Profile:
        return _recorded(READERS["parquet"](str(path), columns, groups), columns, grid, "")

    with ThreadPoolExecutor(len(shares)) as pool:
        whole = merged(pool.map(share, shares))
    return Profile(grid, whole.rows, (partition,) if partition else (), whole.columns)


def _opened(source: Source, fmt: TableFormat, stack: ExitStack) -> BinaryIO | str:
    if isinstance(source, bytes):
        return io.BytesIO(source)
    if isinstance(source, str | Path):
        if fmt == "parquet":  # Arrow's own file saves a copy
            return str(source)
        return stack.enter_context(Path(source).open("rb"))
    return source


@contextmanager
def _reading(source: Source) -> Iterator[None]:
    """Turn what the decoders raise into our tree, naming the file."""
    import pyarrow as pa

    name = str(source) if isinstance(source, str | Path) else "the given bytes"
    try:
        yield
    except FileNotFoundError:
        raise
    except (
        *(pa.ArrowException, OSError, ValueError, KeyError, EOFError),
        *(ArithmeticError, RecursionError, zlib.error),
    ) as error:
        shown = " ".join(str(error).split())[:300]
        raise UnreadableData(
            f"{name} cannot be decoded: {shown}.",
            "Quarantine the object, or correct its format in the contract.",
        ) from error
