#!/usr/bin/env python3
"""Main-text extraction: pages per CPU second, ours and trafilatura's, interleaved in one run.

    pip install trafilatura==2.3.1
    python3 extract_speed.py --binary target/release/wanjuan-data --data target/web [--rounds 3] [--pages 150]

Both run on one thread and are timed in CPU seconds (user and system) of their own process, reading the pages
included, starting the program excluded (ours: as `extract` reports; trafilatura: around its loop). trafilatura is
slow, so it gets every n-th page of a set; so do we.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile

PEER = """
import sys, time, trafilatura
paths = sys.stdin.read().split("\\n")[:-1]
trafilatura.extract("<html><body><p>warm up</p></body></html>")
before = time.process_time()
for path in paths:
    trafilatura.extract(open(path, "rb").read(), fast=FAST)
print(time.process_time() - before)
"""


def ours(binary, paths):
    with tempfile.TemporaryDirectory() as folder:
        listing = os.path.join(folder, "list.tsv")
        with open(listing, "w", encoding="utf-8") as out:
            out.writelines(f"{number}\t{path}\n" for number, path in enumerate(paths))
        command = [binary, "extract", "--list", listing, "--out", os.path.join(folder, "P.json"), "--threads", "1"]
        log = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    # Rates have more digits than the seconds.
    return len(paths) / float(re.search(r"CPU seconds: ([\d.]+) pages/s", log).group(1))


def peer(paths, fast):
    code = PEER.replace("FAST", str(fast))
    text = "".join(path + "\n" for path in paths)
    return float(subprocess.run([sys.executable, "-c", code], input=text, capture_output=True, text=True,
                                check=True).stdout)


def main():
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--binary", required=True)
    ask.add_argument("--data", required=True, help="the unpacked page archives")
    ask.add_argument("--rounds", type=int, default=3)
    ask.add_argument("--pages", type=int, default=150, help="at most this many pages of a set for trafilatura")
    args = ask.parse_args()
    print(f"{'set':12} {'pages':>5} {'ours':>9} {'standard':>9} {'ratio':>6} {'fast':>9} {'ratio':>6}   pages/CPU-s")
    for one in ("traf", "aeb", "wcxb", "readability", "zh"):
        folder = os.path.abspath(os.path.join(args.data, one))
        lines = open(os.path.join(folder, "list.tsv"), encoding="utf-8").read().splitlines()
        paths = [os.path.join(folder, line.split("\t")[1]) for line in lines]
        some = paths[:: -(-len(paths) // args.pages)]
        times = [(ours(args.binary, some), peer(some, False), peer(some, True)) for _ in range(args.rounds)]
        a, b, c = (len(some) / statistics.median(column) for column in zip(*times))
        print(f"{one:12} {len(some):5} {a:9.1f} {b:9.1f} {a / b:6.1f} {c:9.1f} {a / c:6.1f}", flush=True)


if __name__ == "__main__":
    main()
