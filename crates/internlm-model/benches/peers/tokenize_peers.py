"""Our tokenizers next to `tokenizers` and `sentencepiece`: MB/s on the same documents, one thread, interleaved.

    python tokenize_peers.py --binary PATH_OF_THE_BENCH --text PATH [--rounds 5] [--documents lines|whole] OURS[=PEER] ...

OURS is a model for our bench. PEER is the file the peer reads: by default OURS itself for `.model` and `.json`, and
the `tokenizer.json` our bench saves for `.gguf`. Ids must be equal; documents where they are not are counted.
The bench is built by `cargo bench -p internlm-model --bench tokenize --no-run`.
"""

import argparse
import os
import re
import statistics
import subprocess
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

DOCUMENT = 4096


def cut(data, how):
    """The documents of the bench."""
    documents = []
    while how == "lines" and len(data) > DOCUMENT:
        line = data.find(b"\n", DOCUMENT)
        if line < 0:
            break
        documents.append(data[: line + 1])
        data = data[line + 1 :]
    return [document.decode() for document in documents + [data]]


def peer(path):
    """Encoding and decoding of one document."""
    if path.endswith(".json"):
        import tokenizers

        engine = tokenizers.Tokenizer.from_file(path)
        engine.no_padding()
        engine.no_truncation()
        engine.encode_special_tokens = True
        return (
            lambda text: engine.encode(text, add_special_tokens=False).ids,
            lambda ids: engine.decode(ids, skip_special_tokens=False),
        )
    import sentencepiece

    engine = sentencepiece.SentencePieceProcessor(model_file=path)
    return engine.encode, engine.decode


def seconds(work, items):
    start = time.perf_counter()
    results = [work(item) for item in items]
    return time.perf_counter() - start, results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--text", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--documents", choices=["lines", "whole"], default="lines")
    parser.add_argument("models", nargs="+")
    options = parser.parse_args()
    with open(options.text, "rb") as file:
        data = file.read()
    documents = cut(data, options.documents)
    print("MB/s, median of", options.rounds, "rounds,", len(documents), "documents,", len(data), "bytes")
    print(f"{'vocabulary':36} {'encode':>8} {'peer':>8} {'ratio':>6}  {'decode':>8} {'peer':>8} {'ratio':>6}  different")
    for model in options.models:
        compare(model, documents, len(data) * 1e-6, options)


def compare(model, documents, megabytes, options):
    ours, _, other = model.partition("=")
    with tempfile.TemporaryDirectory() as folder:
        command = [options.binary, "--model", ours, "--text", options.text, "--documents", options.documents]
        command += ["--runs", "1"]
        ids = os.path.join(folder, "ids")
        subprocess.run(command + ["--ids", ids, "--save", folder], check=True, stdout=subprocess.DEVNULL)
        saved = os.path.join(folder, "tokenizer.json")
        encode, decode = peer(other or (ours if ours.endswith((".model", ".json")) else saved))
        rates = []
        for _ in range(options.rounds):
            text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            mine = [float(rate) for rate in re.findall(r"([0-9.]+) MB/s", text)]
            encoding, theirs = seconds(encode, documents)
            decoding, _ = seconds(decode, theirs)
            rates.append((mine[0], megabytes / encoding, mine[1], megabytes / decoding))
        with open(ids) as file:
            different = sum(" ".join(map(str, a)) != b.rstrip("\n") for a, b in zip(theirs, file, strict=True))
    a, b, c, d = (statistics.median(column) for column in zip(*rates))
    print(f"{os.path.basename(ours)[:36]:36} {a:8.2f} {b:8.2f} {a / b:6.2f}  {c:8.2f} {d:8.2f} {c / d:6.2f}  {different}", flush=True)


if __name__ == "__main__":
    main()
