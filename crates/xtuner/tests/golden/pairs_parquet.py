"""Writes pairs.parquet: comparisons as a table, in two row groups, with a column that some rows lack.

Run with pyarrow 20: python3 crates/xtuner/tests/golden/pairs_parquet.py
"""

import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

message = pa.struct([("role", pa.string()), ("content", pa.string())])
messages = pa.list_(message)
schema = pa.schema([("prompt", pa.string()), ("chosen", messages), ("rejected", messages), ("domain", pa.string())])


def answer(text):
    return [{"role": "assistant", "content": text}]


def row(number, domain):
    prompt = f"What is {number} + {number}?"
    return {"prompt": prompt, "chosen": answer(str(2 * number)), "rejected": answer("九"), "domain": domain}


rows = [row(1, "maths"), row(2, None), row(3, "maths")]
table = pa.Table.from_pylist(rows, schema=schema)
path = pathlib.Path(__file__).with_name("pairs.parquet")
pq.write_table(table, path, row_group_size=2, compression="snappy")
