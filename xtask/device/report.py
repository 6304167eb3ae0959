"""report.json: everything in results.jsonl as one object, PyTorch's figures next to ours."""

import json

SCHEMA = 1


def passes(bench):
    """Whether a figure reaches what is asked for at least; one without a goal does, and None when it is not known."""
    floor, ratio, ratio_floor = bench["floor"], bench["ratio"], bench["ratio_floor"]
    if floor is not None and (bench["value"] > floor if bench["better"] == "lower" else bench["value"] < floor):
        return False
    if ratio_floor is not None and ratio is None:
        return None
    return ratio_floor is None or ratio >= ratio_floor


def benches(ours, torch):
    """Our figures with the keys of the report; the last of PyTorch's with the same name and shape is its figure."""
    theirs = {(line["name"], line["shape"]): line["value"] for line in torch}
    rows = []
    for line in ours:
        row = dict.fromkeys(["name", "shape", "value", "unit", "floor", "aim"]) | {"torch": None, "ratio": None}
        row |= dict.fromkeys(["peak_bytes", "mfu", "ratio_floor"]) | {"better": "higher"} | line
        row["torch"] = theirs.get((row["name"], row["shape"]))
        row["ratio"] = row["value"] / row["torch"] if row["torch"] else None
        row["passed"] = passes(row)
        rows.append({key: value for key, value in row.items() if key not in ("ratio_floor", "better")})
    return rows


def assemble(run, commit):
    """Writes report.json and gives it."""
    lines = [json.loads(line) for line in run.results.read_text().splitlines()]

    def all_of(kind):
        return [{k: v for k, v in line.items() if k != "kind"} for line in lines if line["kind"] == kind]

    facts = (all_of("machine") or [{}])[-1]
    assembled = {
        "schema": SCHEMA,
        "commit": commit,
        "device": run.device,
        "card": facts.get("card"),
        "driver": facts.get("driver"),
        "cuda": facts.get("cuda"),
        "torch": facts.get("torch"),
        "ceilings": (all_of("ceilings") or [{}])[-1],
        "stages": all_of("stage"),
        "goldens": all_of("golden"),
        "benches": benches(all_of("bench"), all_of("torch")),
        "skipped": all_of("skipped"),
    }
    (run.out / "report.json").write_text(json.dumps(assembled, indent=1) + "\n")
    return assembled
