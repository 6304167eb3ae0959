"""Writes messages.parquet: conversations as a table, in two row groups, with a column that some rows lack.

Run with pyarrow 20: python3 crates/xtuner/tests/golden/messages_parquet.py
"""

import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

message = pa.struct([("role", pa.string()), ("content", pa.string())])
schema = pa.schema([("id", pa.int64()), ("messages", pa.list_(message)), ("source", pa.string())])


def row(number, source):
    question = {"role": "user", "content": f"What is {number} + {number}?"}
    answer = {"role": "assistant", "content": f"{2 * number}: 二倍"}
    return {"id": number, "messages": [question, answer], "source": source}


rows = [row(1, "web"), row(2, None), row(3, "book")]
table = pa.Table.from_pylist(rows, schema=schema)
path = pathlib.Path(__file__).with_name("messages.parquet")
pq.write_table(table, path, row_group_size=2, compression="snappy")
