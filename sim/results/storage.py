"""Bytes of the files of a run folder: Parquet, JSON, YAML, CSV. Deterministic: the same tables give the same bytes."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from sim.results.frames import meaning_of, unit_of
from sim.scenario.write import yaml_text

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def parquet_bytes(frame: pd.DataFrame, run_id: str, said: Mapping[str, tuple[str, str]] | None = None) -> bytes:
    """Table as Parquet: zstd, floats split by byte, unit and meaning of each column and the run id in the metadata.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table.
    run_id : str
        What the table belongs to.
    said : mapping of column to (unit, meaning), optional
        For columns whose name does not tell their unit.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(frame, preserve_index=False)
    fields = []
    for f in table.schema:
        unit, meaning = (said or {}).get(f.name) or (unit_of(f.name), meaning_of(f.name))
        fields.append(f.with_metadata({"unit": unit, "meaning": meaning}))
    table = table.cast(pa.schema(fields, metadata={"shoal_run_id": run_id}))
    floats = [field.name for field in table.schema if pa.types.is_floating(field.type)]
    others = [field.name for field in table.schema if field.name not in floats]
    buffer = io.BytesIO()
    pq.write_table(
        table,
        buffer,
        compression="zstd",
        use_dictionary=others,
        column_encoding=dict.fromkeys(floats, "BYTE_STREAM_SPLIT"),
    )
    return buffer.getvalue()


def read_parquet(data: bytes) -> pd.DataFrame:
    """Table back from ``parquet_bytes``."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    frame: pd.DataFrame = pq.read_table(pa.BufferReader(data)).to_pandas()
    return frame


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """Table as CSV with all digits; a text cell that a spreadsheet would run as a formula is led by an apostrophe."""
    safe = frame.copy()
    for column in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[column]) and not pd.api.types.is_datetime64_any_dtype(safe[column]):
            safe[column] = [_inert(cell) for cell in safe[column]]
    return safe.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC).encode()


def units_csv_bytes(frames: Mapping[str, pd.DataFrame]) -> bytes:
    """Sidecar of the CSV files: table, column, unit, meaning."""
    rows = [(name, c, unit_of(c), meaning_of(c)) for name, frame in frames.items() for c in frame.columns]
    return csv_bytes(pd.DataFrame(rows, columns=["table", "column", "unit", "meaning"]))


def json_bytes(value: Any) -> bytes:
    """Readable JSON; NumPy numbers become plain ones, NaN and infinity become null (JSON has neither)."""
    return (json.dumps(plain(value), indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n").encode()


def yaml_bytes(value: Mapping[str, Any]) -> bytes:
    """YAML in the order given, which the scenario reader reads back the same (a title ``1e3`` stays text)."""
    return yaml_text(plain(value)).encode()


def plain(value: Any) -> Any:
    """Value made of dict, list, str, int, float, bool and None alone."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _inert(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell
