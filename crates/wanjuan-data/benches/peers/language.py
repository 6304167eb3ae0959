#!/usr/bin/env python3
"""Language identification on FLORES-200: `wanjuan-data lid` with whatlang and lid.176.ftz, CLD2, fastText.

    pip install pycld2==0.42 fasttext-predict==0.9.2.4
    python3 language.py BINARY FLORES_FOLDER MODEL.ftz [--rounds N]

FLORES_FOLDER holds `xxx_Yyyy.dev`, one sentence per line. A document is ten consecutive sentences joined by a
space (lines 1-10, 11-20, ...; a remainder is left out). Right is the label of the file after `iw`, `jw`, `nb` and
`zh-Hant` became `he`, `jv`, `no` and `zh`; `und` and `un` are wrong. pycld2 is asked with bestEffort=True, which is its more accurate way.
Speed is user + system time over all documents of all files, interleaved, median of the rounds; for `lid` it is that
of the whole process, for the Python packages that of the loop of calls.
"""
import argparse
import pathlib
import resource
import statistics
import subprocess
import time

import fasttext
import pycld2

LABELS = {"arb": "ar", "deu": "de", "eng": "en", "fra": "fr", "heb": "he", "hin": "hi", "ind": "id", "ita": "it",
          "jpn": "ja", "kor": "ko", "pol": "pl", "por": "pt", "rus": "ru", "spa": "es", "tha": "th", "tur": "tr",
          "ukr": "uk", "vie": "vi", "zho": "zh"}
SAME = {"iw": "he", "jw": "jv", "nb": "no", "zh-Hant": "zh", "un": "und"}


def child_time():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Binary:
    def __init__(self, *command):
        self.command = command

    def __call__(self, lines):
        before = child_time()
        out = subprocess.run(self.command, input="\n".join(lines) + "\n", capture_output=True, text=True, check=True)
        return [line.split("\t")[0] for line in out.stdout.splitlines()], child_time() - before


class Calls:
    def __init__(self, one):
        self.one = one

    def __call__(self, lines):
        before = time.process_time()
        answers = [self.one(line) for line in lines]
        return [SAME.get(answer, answer) for answer in answers], time.process_time() - before


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("flores", type=pathlib.Path)
    parser.add_argument("model")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    model = fasttext.load_model(arguments.model)
    engines = {
        "whatlang": Binary(arguments.binary, "lid"),
        "lid.176": Binary(arguments.binary, "lid", "--model", arguments.model),
        "pycld2": Calls(lambda line: pycld2.detect(line, isPlainText=True, bestEffort=True)[2][0][1]),
        "fasttext-predict": Calls(lambda line: model.predict(line)[0][0].removeprefix("__label__")),
    }
    sentences, documents = {}, {}
    for path in sorted(arguments.flores.glob("*.dev")):
        lines = path.read_text(encoding="utf-8").strip("\n").split("\n")
        sentences[path.stem] = lines
        documents[path.stem] = [" ".join(lines[i:i + 10]) for i in range(0, len(lines) - 9, 10)]
    right = {}
    for name, engine in engines.items():
        for kind, texts in (("sentences", sentences), ("documents", documents)):
            for file, lines in texts.items():
                answers, _ = engine(lines)
                share = sum(answer == LABELS[file[:3]] for answer in answers) / len(lines)
                unanswered = sum(answer == "und" for answer in answers) / len(lines)
                right[name, kind, file] = (share, unanswered)
    every = [line for lines in documents.values() for line in lines] * 4
    size = sum(len(line.encode()) + 1 for line in every) / 1e6
    times = {name: [] for name in engines}
    for _ in range(arguments.rounds):
        for name, engine in engines.items():
            times[name].append(engine(every)[1])
    print(f"| file | {' | '.join(engines)} |")
    print("|---" * (1 + len(engines)) + "|")
    shown = [(name, [f"{100 * right[name, kind, file][0]:.1f}" for kind in ("sentences", "documents")])
             for file in sentences for name in engines]
    for place, file in enumerate(sentences):
        cells = shown[place * len(engines):(place + 1) * len(engines)]
        print(f"| {file} | {' | '.join(' / '.join(cell) for _, cell in cells)} |")
    for title, place in (("mean", 0), ("of it no answer", 1)):
        means = [[statistics.mean(right[name, kind, file][place] for file in sentences)
                  for kind in ("sentences", "documents")] for name in engines]
        print(f"| {title} | {' | '.join(' / '.join(f'{100 * mean:.2f}' for mean in pair) for pair in means)} |")
    print(f"\nSpeed over {size:.1f} MB of documents, {arguments.rounds} rounds:")
    for name, seconds in times.items():
        print(f"  {name}: {size / statistics.median(seconds):.1f} MB per CPU second")


if __name__ == "__main__":
    main()
