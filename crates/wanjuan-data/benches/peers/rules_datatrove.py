"""The rules of `wanjuan-data filter --compat datatrove` and datatrove 0.10's own filters: decisions and speed.

    python -m venv V && V/bin/pip install datatrove==0.10.0 nltk spacy
    wanjuan-data extract --list SET/list.tsv --out SET.json [--mode recall]          # for each set of pages
    V/bin/python rules_datatrove.py documents --out docs.jsonl A.json B.json ...     # 2,000 documents, mutants among them
    V/bin/python rules_datatrove.py compare --binary wanjuan-data docs.jsonl [--tokenizer datatrove|regex]
                                   [--lists LDNOOBW]
    V/bin/python rules_datatrove.py speed --binary wanjuan-data docs.jsonl [--count 200] [--rounds 3]

`compare` runs each filter by itself on each document; decision, reason and the text that C4 leaves must be equal. Both
sides get the same words and sentences: datatrove's own (spaCy's English tokenizer, which needs no data) or those of a
regular expression. `speed` takes documents of 9.5 KB and measures CPU time (user + system) of one thread, interleaved:
datatrove's four filters on each document, one after another as its pipeline runs them; our verb with our own words and
with given ones. Reading JSON counts for ours, not for datatrove. Exit code 1 when a decision differs.
"""

import argparse
import json
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter

RULES = ["gopher-quality", "gopher-repetition", "c4", "fineweb"]


def documents(arguments):
    texts = set()
    for path in arguments.texts:
        texts.update(text for text in json.load(open(path)).values() if text.strip())
    draw = random.Random(1)
    texts = sorted(texts)
    draw.shuffle(texts)
    made = list(mutants(texts[:400], draw))
    kept = made + texts[: arguments.count - len(made)]
    draw.shuffle(kept)
    with open(arguments.out, "w") as out:
        for number, text in enumerate(kept):
            out.write(json.dumps({"id": f"{number:05}", "content": text}, ensure_ascii=False) + "\n")
    print(f"{len(kept)} documents ({len(made)} mutants), {sum(map(len, kept))} characters")


def unique(draw, count):
    """Words that do not repeat."""
    return ["".join(draw.choice("etaoinshrdlu") for _ in range(draw.randint(3, 8))) for _ in range(count)]


def mutants(texts, draw):
    """Documents that fail each rule."""
    prose = [text for text in texts if 1500 < len(text) < 12000]
    stops = " Then the rest of that is to be with us and have it."
    pick = lambda: draw.choice(prose)
    lines = lambda text: [line for line in text.split("\n") if line.strip()]
    for _ in range(8):
        yield pick()[: draw.randint(50, 400)]
        yield re.sub(r"\w+", lambda found: found.group()[: draw.randint(1, 2)], pick())
        yield re.sub(r"\w+", lambda found: found.group() * 3, pick())
        yield re.sub(r" ", lambda _: draw.choice([" ", " # "]), pick())
        yield re.sub(r" ", lambda _: draw.choice([" ", "... ", "… "]), pick())
        yield "\n".join(draw.choice(["- ", "\u2022 ", " -", "\xa0\u2022"]) + line for line in lines(pick()))
        yield "\n".join(line + draw.choice(["...", "\u2026", "... "]) for line in lines(pick()))
        yield re.sub(r"\w+", lambda found: str(draw.randint(1, 999)) if draw.random() < 0.4 else found.group(), pick())
        yield re.sub(r"(?i)\b(the|be|to|of|and|that|have|with)\b", "so", pick())
        yield "\n\n".join(draw.choice(lines(pick())[:8]) for _ in range(12))
        line = draw.choice(lines(pick()))
        yield pick() + ("\n" + line) * draw.randint(2, 40)
        yield pick() + ("\n\n" + pick()[:600]) * draw.randint(1, 3)
        half = pick()[:1500].replace("\n", " ")
        yield half + draw.choice(["\n", "\n\n"]) + half + "\n" + "\n\n".join(lines(pick())[:9])
        yield re.sub(r"\. ", lambda _: draw.choice([".[12] ", "[edit]. ", ".[] ", ". [citation needed] ", ".[\u0663] "]), pick())
        yield pick() + "\nThis line has a { in it" + draw.choice([".", "", "!"])
        yield pick() + "\nLorem" + draw.choice([" ", "\xa0", "  "]) + "Ipsum dolor sit amet" + draw.choice([".", ""])
        separators = "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\r"
        yield re.sub(r"\n|\. ", lambda found: found.group() + draw.choice(separators) * draw.randint(0, 1), pick())
        yield "\r\n".join(lines(pick()))
        yield pick() + "\nA word: " + "x" * draw.choice([999, 1000, 1001, 5000]) + " ends here."
        yield pick() + draw.choice(["\nPlease enable JAVASCRIPT.", "\nWe use coo\u212aies here.", "\nOur Privacy Policy is here."])
        yield "\n".join(unique(draw, 300)) + stops
        yield ("\n" * draw.randint(4, 12)).join(lines(pick()))
        yield "\n".join(line.rstrip(".!?") for line in lines(pick())) + draw.choice(["", ".", "\u3002", "\u06d4"])
        yield "\n".join(" ".join(line.split()[:3]) + "." for line in lines(pick()))
        yield draw.choice([" ", "\n", "\u3000\n", "\x1f", "...", "\u3002", "a"]) * draw.randint(1, 60)
        yield re.sub(r"[a-z]", lambda found: draw.choice([found.group(), "\u2167", "\u24d0", "\u0301"]), pick())
    for n in range(2, 5):
        for _ in range(8):
            phrase = " ".join(unique(draw, n))
            words = unique(draw, 160)
            for _ in range(draw.randint(8, 22)):
                words.insert(draw.randrange(len(words)), phrase)
            yield " ".join(words) + stops
    for n in range(5, 11):
        for _ in range(16):
            words = unique(draw, 600)
            for _ in range(draw.randint(70, 150) // (2 * n)):
                block = " ".join(unique(draw, 2 * n))
                for _ in range(2):
                    words.insert(draw.randrange(len(words)), block)
            yield " ".join(words) + stops
    for _ in range(3):
        yield " ".join(unique(draw, 101_000)) + stops


def filters():
    from datatrove.pipeline.filters import (
        C4QualityFilter,
        FineWebQualityFilter,
        GopherQualityFilter,
        GopherRepetitionFilter,
    )

    return dict(zip(RULES, [GopherQualityFilter(), GopherRepetitionFilter(), C4QualityFilter(), FineWebQualityFilter()]))


def further_filters(lists):
    """mC4's paragraphs and, with the folder of word lists, C4's bad words."""
    import datatrove.pipeline.filters.c4_filters as c4

    found = {"c4-paragraphs": c4.C4ParagraphFilter()}
    if lists:
        c4.cached_asset_path_or_download = lambda url, **_: f"{lists}/{url.rsplit('/', 1)[1]}"
        found["c4-bad-words"] = c4.C4BadWordsFilter()
    return found


class RegexTokenizer:
    """Words and sentences without any language."""

    def word_tokenize(self, text):
        return re.findall(r"\w+|[^\w\s]", text)

    def span_tokenize(self, text):
        ends = [found.end() for found in re.finditer(r"[.!?]+\s+", text.strip())]
        return list(zip([0] + ends, ends + [len(text)]))


def tokenization(text):
    """What datatrove's filters see: words of the text, number of sentences of each line."""
    from datatrove.pipeline.filters.c4_filters import CITATION_REGEX
    from datatrove.utils.text import split_into_sentences, split_into_words

    lines = [CITATION_REGEX.sub("", line.strip()) for line in text.splitlines()]
    return {"words": split_into_words(text), "sentences": [len(split_into_sentences(line)) for line in lines]}


def decide(filter_, text):
    from datatrove.data import Document

    document = Document(text=text, id="")
    result = filter_.filter(document)
    keep, reason = result if isinstance(result, tuple) else (result, None)
    return bool(keep), reason, document.text


def load(path):
    return [json.loads(line) for line in open(path)]


def write_jsonl(file, rows):
    for row in rows:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")
    file.flush()


def compare(arguments):
    import datatrove.utils.word_tokenizers as tokenizers

    if arguments.tokenizer == "regex":
        tokenizers.load_word_tokenizer = lambda language: RegexTokenizer()
    records, peers = load(arguments.documents), filters() | further_filters(arguments.lists)
    theirs = []
    for record in records:
        theirs.append({name: decide(peer, record["content"]) for name, peer in peers.items()})
    own = ours(arguments, records, peers)
    for record in records:
        record.update(tokenization(record["content"]))
    counts, wrong, own_wrong = {name: Counter() for name in peers}, 0, 0
    for record, row, own_row, expected in zip(records, ours(arguments, records, peers), own, theirs):
        for name in peers:
            keep, reason, text = expected[name]
            counts[name]["(kept)" if keep else reason] += 1
            found = row["rules"][name]
            same = (found["keep"], found["reason"]) == (keep, reason)
            if same and keep:
                same = found.get("text", record["content"]) == text
            if not same:
                wrong += 1
                print(f"differs: {record['id']} {name}: theirs {keep} {reason}, ours {found}"[:300])
            own_wrong += own_row["rules"][name]["keep"] != keep
    for name in peers:
        print(name)
        for reason, count in sorted(counts[name].items(), key=lambda item: -item[1]):
            print(f"    {reason:32}{count:6}")
    total = len(records) * len(peers)
    print(f"{len(records)} documents, {total} decisions with {arguments.tokenizer} words: {wrong} differ")
    print(f"with words and sentences of our own: {own_wrong} of {total} are kept by one side only")
    sys.exit(1 if wrong else 0)


def ours(arguments, records, peers):
    """The rows of our verb."""
    command = [arguments.binary, "filter", "--rules", ",".join(peers), "--compat", "datatrove", "--each", "--text"]
    command += ["--set", f"c4-bad-words.lists={arguments.lists}"] if arguments.lists else []
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        write_jsonl(file, records)
        output = subprocess.run(command, stdin=open(file.name), stdout=subprocess.PIPE, check=True, text=True).stdout
    rows = [json.loads(line) for line in output.splitlines()]
    assert [row["id"] for row in rows] == [record["id"] for record in records], "order or number of rows differs"
    return rows


def cut(text, size):
    """About `size` bytes, to the end of a line."""
    head = text.encode()[:size].decode(errors="ignore")
    return head[: head.rfind("\n")] if "\n" in head[size // 2 :] else head


def cpu(who):
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def speed(arguments):
    from datatrove.utils.text import split_into_parts

    texts = [record["content"] for record in load(arguments.documents)]
    # Languages that spaCy's English tokenizer is meant for.
    is_latin = lambda text: sum(not c.isascii() for c in text) < 0.05 * len(text)
    texts = [cut(text, 9500) for text in texts if 9500 < len(text.encode()) < 60000 and is_latin(text)]
    texts = texts[: arguments.count]
    if not texts:
        sys.exit("no document is long enough")
    mean = statistics.mean(len(text.encode()) for text in texts)
    print(f"{len(texts)} documents, mean {mean:.0f} bytes")
    plain = [{"id": str(number), "content": text} for number, text in enumerate(texts)]
    peers = filters()
    given = [row | tokenization(row["content"]) for row in plain]
    if arguments.save:
        write_jsonl(open(arguments.save, "w"), given)
    results = {}

    def peer(name, chosen):
        split_into_parts.cache_clear()
        start = cpu(resource.RUSAGE_SELF)
        for text in texts:
            for filter_ in chosen:
                decide(filter_, text)
        results.setdefault(name, []).append(len(texts) / (cpu(resource.RUSAGE_SELF) - start))

    def verb(name, rows, options):
        copies = max(1, 4000 // len(rows))
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
            write_jsonl(file, rows * copies)
            command = [arguments.binary, "filter", "--rules", ",".join(RULES), "--each", "--threads", "1"] + options
            start = cpu(resource.RUSAGE_CHILDREN)
            subprocess.run(command, stdin=open(file.name), stdout=subprocess.DEVNULL, check=True)
            seconds = cpu(resource.RUSAGE_CHILDREN) - start
        results.setdefault(name, []).append(copies * len(rows) / seconds)

    for _ in range(arguments.rounds):
        for name, filter_ in peers.items():
            peer(f"datatrove {name}", [filter_])
        peer("datatrove, the four", list(peers.values()))
        verb("ours, own words", plain, [])
        verb("ours, given words", given, ["--compat", "datatrove"])
    for name, values in results.items():
        print(f"{name:34}{statistics.median(values):10.1f} documents/CPU-s  ({min(values):.1f} to {max(values):.1f})")
    four = statistics.median(results["datatrove, the four"])
    for name in ["ours, own words", "ours, given words"]:
        print(f"{name}: {statistics.median(results[name]) / four:.0f} x datatrove")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True)
    verb = verbs.add_parser("documents")
    verb.add_argument("texts", nargs="+")
    verb.add_argument("--out", required=True)
    verb.add_argument("--count", type=int, default=2000)
    verb.set_defaults(run=documents)
    verb = verbs.add_parser("compare")
    verb.add_argument("documents")
    verb.add_argument("--binary", required=True)
    verb.add_argument("--tokenizer", choices=["datatrove", "regex"], default="datatrove")
    verb.add_argument("--lists", help="folder of LDNOOBW's lists: compares C4's bad words too")
    verb.set_defaults(run=compare)
    verb = verbs.add_parser("speed")
    verb.add_argument("documents")
    verb.add_argument("--binary", required=True)
    verb.add_argument("--count", type=int, default=200)
    verb.add_argument("--rounds", type=int, default=3)
    verb.add_argument("--save", help="where to write the documents with their words")
    verb.set_defaults(run=speed)
    arguments = parser.parse_args()
    start = time.time()
    arguments.run(arguments)
    print(f"{time.time() - start:.0f} s")


if __name__ == "__main__":
    main()
