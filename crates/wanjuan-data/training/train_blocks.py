#!/usr/bin/env python3
"""Train the block model of wanjuan-data's main-text extraction.

    pip install catboost numpy rapidfuzz
    cargo build --release -p wanjuan-data --example extraction_blocks
    for s in traf aeb wcxb readability zh; do
        target/release/examples/extraction_blocks target/web/$s/list.tsv > target/blocks/$s.jsonl
    done
    python3 train_blocks.py --data target/web --blocks target/blocks --scorer score_extraction.py --folds 5
    python3 train_blocks.py --data target/web --blocks target/blocks --export ../src/extract/judge/model

The pages are only read; what is exported are weights of words, weights of class names and trees over numbers.
A word or class name enters the tables only when it occurs on at least MIN_SITES sites, so none stands for a site.

Method
  A page is cut into blocks by the Rust code, which also computes their features. A block's label is the share of
  its words that align with the gold text (longest common subsequence, or 4-grams where the order differs); in the
  set with wanted and unwanted passages only the blocks they touch are labelled.
  Two boosters of oblivious trees (CatBoost) follow each other: the second also sees the first one's scores of the
  blocks around. All that is learned for use inside training (tables, first-stage scores) is computed out of fold,
  split by site, so that training sees what a new site would give.
  Chosen are the blocks with the greatest expected F (see src/extract/judge/expected_f.rs, repeated in `select` here).
"""
import argparse
import collections
import importlib.util
import json
import os
import re
import struct
import zlib

import numpy as np
from catboost import CatBoostClassifier, Pool
from rapidfuzz.distance import Indel

SETS = ["traf", "aeb", "wcxb", "readability", "zh"]
INNER = 3                     # folds inside training
MIN_SITES_WORD, MAX_WORDS = 8, 2000
MIN_SITES_NAME, MAX_NAMES = 6, 1600
TREES, DEPTH, RATE = 220, 6, 0.06
TYPE_TREES, TYPE_DEPTH, TYPE_RATE = 40, 4, 0.1
TYPES = ["article", "documentation", "service", "forum", "product", "listing", "collection"]
# Few pages stand for a whole language, and news for most of the web: they count more.
PAGE_WEIGHT = {"zh": 4, "aeb": 2}
PASSAGE = 0.25                # weight of a passage against that of a whole page
BETA = 0.8                    # of the expected F, balanced mode
SCALE = 32.0                  # weights of words and names are stored in 1/32

HAN = "\u3040-\u30ff\u3400-\u9fff"
TOKEN = re.compile(f"[{HAN}]|[^\\W{HAN}]+")
WORD = re.compile(f"[{HAN}]|[^\\W_{HAN}]+")
IS_HAN = re.compile(f"[{HAN}]")


# ---- labels ----------------------------------------------------------------------------------
def tokens(text):
    return TOKEN.findall(text.lower())


def squeeze(text):
    return re.sub(r"\s+", " ", text).strip()


def aligned(texts, gold):
    """(words of each block that align with the gold, words of each block, words of the gold)."""
    page, owner = [], []
    for i, text in enumerate(texts):
        words = tokens(text)
        page += words
        owner += [i] * len(words)
    wanted, n = tokens(gold or ""), len(texts)
    total = np.bincount(owner, minlength=n).astype(float) if owner else np.zeros(n)
    if not page or not wanted:
        return np.zeros(n), total, len(wanted)
    ids = {}
    a = [ids.setdefault(w, len(ids)) for w in page]
    b = [ids.setdefault(w, len(ids)) for w in wanted]
    in_order, anywhere = np.zeros(len(a), bool), np.zeros(len(a), bool)
    for op in Indel.opcodes(a, b):
        if op.tag == "equal":
            in_order[op.src_start:op.src_end] = True
    grams = {tuple(b[i:i + 4]) for i in range(len(b) - 3)}
    for i in range(len(a) - 3):
        if tuple(a[i:i + 4]) in grams:
            anywhere[i:i + 4] = True
    counts = [np.bincount(owner, weights=hit, minlength=n) for hit in (in_order, anywhere)]
    return np.maximum(*counts), total, len(wanted)


def passages(texts, gold):
    """(label or nan, weight) of each block from wanted and unwanted passages."""
    label, weight = np.full(len(texts), np.nan), np.zeros(len(texts))
    joined, spans = "", []
    for text in map(squeeze, texts):
        spans.append((len(joined), len(joined) + len(text)))
        joined += text + " "
    for value, field in ((1, "with"), (0, "without")):
        for passage in map(squeeze, gold[field]):
            places, at = [], joined.find(passage)
            while at >= 0 and len(places) < 20:
                places.append([i for i, (s, e) in enumerate(spans) if s < at + len(passage) and e > at])
                at = joined.find(passage, at + 1)
            # A wanted passage is wanted once: of several places none is sure.
            unsure = value == 1 and len(places) > 1
            for blocks in places:
                for i in blocks:
                    if not unsure:
                        label[i], weight[i] = value, max(weight[i], 1 / len(blocks))
                    elif np.isnan(label[i]):
                        label[i], weight[i] = value, 0.5 / len(places) / len(blocks)
    return label, weight


# ---- pages -----------------------------------------------------------------------------------
def site_of(page):
    if page["set"] == "traf":
        host = re.match(r"[a-z0-9.\-]*?\.[a-z]{2,}(?=[-.])|[^-]+", page["gold"]["file"]).group(0)
    else:
        found = re.match(r"https?://([^/:?]+)", page["gold"].get("url") or "")
        host = found.group(1) if found else page["key"]
    labels = re.sub(r"^www\d?\.", "", host.lower()).split(".")
    second = labels[-2] if len(labels) > 2 else ""
    keep = 3 if second in ("co", "com", "org", "ac", "gov", "edu", "net", "or", "ne") else 2
    return ".".join(labels[-keep:])


def weighed_words(text):
    """The words that the Rust code weighs: the first ones, two Han characters counting as one."""
    out, words, han = [], 0, 0
    for word in WORD.findall(text.lower()):
        if IS_HAN.match(word):
            han += 1
            words += han & 1
            continue
        words += 1
        if words > 40:
            break
        out.append(word)
    return out


def load(data, folder):
    pages, names, vocabulary = [], None, {}
    for one in SETS:
        gold = json.load(open(f"{data}/{one}/gold.json", encoding="utf-8"))
        with open(f"{folder}/{one}.jsonl", encoding="utf-8") as lines:
            names = json.loads(next(lines))
            for line in lines:
                record = json.loads(line)
                pages.append(page_of(one, record["key"], record["page"], gold, len(names)))
    for page in pages:
        pairs = [(i, vocabulary.setdefault(n, len(vocabulary))) for i, ns in enumerate(page.pop("names")) for n in ns]
        page["name_of"] = np.array(pairs, np.int64).reshape(-1, 2)
        page["element_sums"] = element_sums(page)
    return pages, names, vocabulary


def page_of(one, key, raw, gold, width):
    texts, n = raw["texts"], len(raw["texts"])
    page = {
        "set": one, "key": key, "texts": texts, "gold": gold[key],
        "type": "article" if one == "aeb" else gold[key].get("type", ""),
        "x": np.array(raw["features"], np.float32).reshape(n, width),
        "containers": np.array(raw["containers"], np.int64).reshape(n, 4), "paths": raw["paths"],
        "headings": np.array(raw["headings"], int), "inner": np.array(raw["innermost"], np.int64),
        "parents": [e[0] for e in raw["elements"]], "names": [e[1] for e in raw["elements"]],
        "words": [weighed_words(t) for t in texts],
    }
    page["site"] = site_of(page)
    page["fold"] = zlib.crc32(page["site"].encode())
    if one == "traf":
        page["y"], page["weight"] = passages(texts, page["gold"])
        page["weight"] *= PASSAGE
        page["size"] = np.array([len(tokens(t)) for t in texts], float)
    else:
        hit, total, wanted = aligned(texts, page["gold"]["text"])
        page["y"], page["size"] = hit / np.maximum(total, 1), total
        # An error costs its share of the page's words; very long pages count a little less.
        page["weight"] = (total + 1) / (wanted + 0.2 * total.sum() + 20) * PAGE_WEIGHT.get(one, 1)
    return page


def element_sums(page):
    """(wanted words, all words) below each element."""
    n, known = len(page["parents"]), ~np.isnan(page["y"])
    sums = []
    for words in ((page["size"] * np.nan_to_num(page["y"]))[known], page["size"][known]):
        below = np.bincount(page["inner"][known], weights=words, minlength=n).tolist() if n else []
        for i in range(n - 1, 0, -1):
            below[page["parents"][i]] += below[i]
        sums.append(np.array(below))
    return sums


# ---- tables of words and class names ---------------------------------------------------------
def word_table(pages):
    wanted, other, sites = collections.Counter(), collections.Counter(), collections.defaultdict(set)
    for page in pages:
        good, bad = set(), set()
        for words, y in zip(page["words"], page["y"]):
            if not np.isnan(y):
                (good if y > 0.5 else bad).update(words)
        wanted.update(good)
        other.update(bad)
        for word in good | bad:
            sites[word].add(page["site"])
    scored = {w: float(np.clip(np.log((wanted[w] + 1) / (other[w] + 1)), -4, 4))
              for w, s in sites.items() if len(s) >= MIN_SITES_WORD}
    best = sorted(scored, key=lambda w: (-abs(scored[w]) * np.log(1 + len(sites[w])), w))[:MAX_WORDS]
    return {w: round(scored[w] * SCALE) / SCALE for w in best}


def name_table(pages, vocabulary):
    good, bad, sites = np.zeros(len(vocabulary)), np.zeros(len(vocabulary)), collections.defaultdict(set)
    for page in pages:
        if not len(page["name_of"]):
            continue
        (elements, names), (wanted, total) = page["name_of"].T, page["element_sums"]
        a, b = (np.bincount(names, weights=s[elements], minlength=len(vocabulary)) for s in (wanted, total))
        for name in np.where(b > 0)[0]:
            good[name] += a[name] / b[name]
            bad[name] += 1 - a[name] / b[name]
            sites[name].add(page["site"])
    score = np.clip(np.log((good + 0.5) / (bad + 0.5)), -3, 3)
    kept = [n for n, s in sites.items() if len(s) >= MIN_SITES_NAME]
    kept.sort(key=lambda n: (-abs(score[n]) * np.log(1 + len(sites[n])), n))
    table = np.zeros(len(vocabulary))
    for name in kept[:MAX_NAMES]:
        table[name] = round(score[name] * SCALE) / SCALE
    return table


def with_tables(page, tables, column):
    """The features of a page with the learned columns filled in, as the Rust code fills them."""
    words, names = tables
    x, n = page["x"].copy(), len(page["parents"])
    weights = [[words[w] for w in ws if w in words] for ws in page["words"]]
    total = np.array([sum(w) for w in weights])
    if len(x):
        x[:, column["text-weight-sum"]] = total
        x[:, column["text-weight-mean"]] = [sum(w) / max(1, len(w)) for w in weights]
        x[:, column["text-weight-least"]] = [min([0.0, *w]) for w in weights]
        heading = page["headings"]
        x[:, column["place-heading-weight"]] = np.where(heading >= 0, total[np.maximum(heading, 0)], 0)
        elements, ids = page["name_of"].T
        own = np.bincount(elements, weights=names[ids], minlength=n).tolist()
        parent, chain = [0.0] * n, list(own)
        least, greatest = [min(0.0, v) for v in own], [max(0.0, v) for v in own]
        for i in range(1, n):
            up = page["parents"][i]
            parent[i], chain[i] = own[up], chain[up] + own[i]
            least[i], greatest[i] = min(least[up], own[i]), max(greatest[up], own[i])
        for field, values in zip(("own", "parent", "sum", "least", "greatest"), (own, parent, chain, least, greatest)):
            x[:, column["place-names-" + field]] = np.array(values)[page["inner"]]
    return x


# ---- page type -------------------------------------------------------------------------------
def page_row(x, column):
    """The features that all blocks of a page share."""
    return x[0, [i for name, i in column.items() if name.startswith("page-")]]


def fit_types(pages, xs, column):
    """One booster per type against all others."""
    known = [(page_row(x, column), p["type"]) for p, x in zip(pages, xs) if p["type"] and len(x)]
    rows = np.array([row for row, _ in known])
    models = []
    for kind in TYPES:
        model = CatBoostClassifier(
            iterations=TYPE_TREES, depth=TYPE_DEPTH, learning_rate=TYPE_RATE, loss_function="CrossEntropy",
            random_seed=1, verbose=0, thread_count=2, border_count=32, l2_leaf_reg=6, rsm=0.5)
        model.fit(Pool(rows, np.array([float(t == kind) for _, t in known])))
        models.append(model)
    return models


def type_shares(models, x, column):
    """How likely the page is of each type, summing to 1."""
    if not len(x):
        return np.zeros(len(TYPES))
    p = np.array([probability(m, page_row(x, column)[None])[0] for m in models])
    return p / p.sum()


# ---- second stage (src/extract/judge/context.rs) ----------------------------------------------------
def with_context(page, x, q, types, column):
    n = len(q)
    if n == 0:
        return np.zeros((0, x.shape[1] + CONTEXT), np.float32)
    w = np.round(np.exp(x[:, column["text-words"]].astype(float)) - 1) + 0.5
    at = np.arange(n)

    def shifted(k):
        other = at - k
        return np.where((other >= 0) & (other < n), q[np.clip(other, 0, n - 1)], -1.0)

    out = [q] + [shifted(k) for k in (1, 2, 3, -1, -2, -3)]
    words, content = (np.concatenate([[0], np.cumsum(v)]) for v in (w, w * q))
    for reach in (3, 8):
        a, b = np.maximum(at - reach, 0), np.minimum(at + reach + 1, n)
        out.append((content[b] - content[a]) / (words[b] - words[a]))
    sums, sizes, most = collections.defaultdict(float), collections.defaultdict(float), collections.defaultdict(float)
    paths, path_sizes = collections.defaultdict(float), collections.defaultdict(float)
    for i in range(n):
        for c in set(page["containers"][i].tolist()):
            sums[c] += w[i] * q[i]
            sizes[c] += w[i]
            most[c] = max(most[c], q[i])
        paths[page["paths"][i]] += w[i] * q[i]
        path_sizes[page["paths"][i]] += w[i]
    out += [np.array([sums[c] / sizes[c] for c in page["containers"][:, level]]) for level in range(4)]
    out += [np.array([most[c] for c in page["containers"][:, level]]) for level in (1, 3)]
    out.append(np.array([paths[p] / path_sizes[p] for p in page["paths"]]))
    total = (w * q).sum()
    out += [np.full(n, np.log1p(total)), np.full(n, total / w.sum()), np.full(n, q.max())]
    good = np.where(q > max(0.5, 0.6 * q.max()))[0]
    first, last = (good[0], good[-1]) if len(good) else (0, n - 1)
    out += [np.clip(at - first, -30, 30), np.clip(last - at, -30, 30), content[:-1] / max(total, 1e-9)]
    out += [np.full(n, share) for share in types]
    return np.hstack([x, np.stack(out, 1).astype(np.float32)])


CONTEXT = 22 + len(TYPES)


# ---- training --------------------------------------------------------------------------------
def fit(pages, xs):
    x, y = np.concatenate(xs), np.concatenate([p["y"] for p in pages])
    weight = np.concatenate([p["weight"] for p in pages])
    known = ~np.isnan(y) & (weight > 0)
    model = CatBoostClassifier(
        iterations=TREES, depth=DEPTH, learning_rate=RATE, loss_function="CrossEntropy", random_seed=1, verbose=0,
        thread_count=2, border_count=32, l2_leaf_reg=6, rsm=0.4, bootstrap_type="Bernoulli", subsample=0.7,
        score_function="L2", leaf_estimation_iterations=2)
    model.fit(Pool(x[known], np.clip(y[known], 0, 1), weight=weight[known]))
    return model


def probability(model, x):
    if not len(x):
        return np.zeros(0)
    return 1 / (1 + np.exp(-model.predict(x, prediction_type="RawFormulaVal")))


def train(pages, column, vocabulary, split):
    """(tables, models of types, first model, second model); `split(page)` numbers the folds inside."""
    inside = [split(p) % INNER for p in pages]
    tables = [both_tables([p for p, i in zip(pages, inside) if i != j], vocabulary) for j in range(INNER)]
    xs = [with_tables(p, tables[i], column) for p, i in zip(pages, inside)]
    scores, types = [None] * len(pages), [None] * len(pages)
    for j in range(INNER):
        rest = [k for k, i in enumerate(inside) if i != j]
        model = fit([pages[k] for k in rest], [xs[k] for k in rest])
        kinds = fit_types([pages[k] for k in rest], [xs[k] for k in rest], column)
        for k, i in enumerate(inside):
            if i == j:
                scores[k], types[k] = probability(model, xs[k]), type_shares(kinds, xs[k], column)
    first = fit(pages, xs)
    second = fit(pages, [with_context(p, x, q, t, column) for p, x, q, t in zip(pages, xs, scores, types)])
    return both_tables(pages, vocabulary), fit_types(pages, xs, column), first, second


def both_tables(pages, vocabulary):
    return word_table(pages), name_table(pages, vocabulary)


def predict(page, trained, column):
    tables, kinds, first, second = trained
    x = with_tables(page, tables, column)
    types = type_shares(kinds, x, column)
    page["guess"] = TYPES[int(np.argmax(types))]
    return probability(second, with_context(page, x, probability(first, x), types, column)), x


def select(x, q, column, beta=BETA):
    """The blocks with the greatest expected F."""
    if not len(q):
        return np.zeros(0, bool)
    w = np.exp(x[:, column["text-words"]].astype(float)) - 1 + 1e-3
    order = np.argsort(-q, kind="stable")
    words, content = np.cumsum(w[order]), np.cumsum((w * q)[order])
    expected = (1 + beta**2) * content / (beta**2 * content[-1] + words)
    keep = np.zeros(len(q), bool)
    keep[order[:int(np.argmax(expected)) + 1]] = True
    return keep


def cross_validate(pages, column, vocabulary, folds, scorer):
    spec = importlib.util.spec_from_file_location("scorer", scorer)
    score = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(score)
    rows = collections.defaultdict(list)
    for fold in range(folds):
        rest = [p for p in pages if p["fold"] % folds != fold]
        trained = train(rest, column, vocabulary, lambda p: p["fold"] // folds)
        for page in (p for p in pages if p["fold"] % folds == fold):
            q, x = predict(page, trained, column)
            kept = [squeeze(page["texts"][i]) for i in np.where(select(x, q, column))[0]]
            row = score.SETS[page["set"]][1]("\n\n".join(kept), page["gold"])
            rows[page["set"]].append(row)
            if page["set"] == "wcxb":
                rows["wcxb " + page["type"]].append(row)
        print(f"fold {fold + 1} of {folds}", flush=True)
    typed = [p for p in pages if p["set"] == "wcxb"]
    print(f"type of wcxb's pages right: {np.mean([p['type'] == p['guess'] for p in typed]):.3f}")
    for name, values in rows.items():
        total = score.SETS[name.split()[0]][2](values)
        print(f"{name:20} {len(values):4} pages  F1 {total['F1']:.4f}  P {total['P']:.4f}  R {total['R']:.4f}")


# ---- export ----------------------------------------------------------------------------------
def export(trained, vocabulary, folder):
    (words, names), kinds, first, second = trained
    os.makedirs(folder, exist_ok=True)
    listed = {name: names[i] for name, i in vocabulary.items() if names[i] != 0}
    for file, table in (("words.tsv", words), ("names.tsv", listed)):
        with open(f"{folder}/{file}", "w", encoding="utf-8") as out:
            for word in sorted(table):
                out.write(f"{word}\t{round(table[word] * SCALE)}\n")
    for file, models in (("types.trees", kinds), ("first.trees", [first]), ("second.trees", [second])):
        with open(f"{folder}/{file}", "wb") as out:
            out.write(b"".join(map(packed, models)))


def packed(model):
    """The trees as src/extract/judge/trees.rs reads them."""
    model.save_model("/tmp/blocks.json", format="json")
    raw = json.load(open("/tmp/blocks.json", encoding="utf-8"))
    features = raw["features_info"]["float_features"]
    borders = {f["flat_feature_index"]: f.get("borders") or [] for f in features}
    trees, (scale, bias) = raw["oblivious_trees"], raw["scale_and_bias"]
    step = max(abs(v) for t in trees for v in t["leaf_values"]) * scale / 32767
    out = [b"WDTREES1", struct.pack("<HH", len(features), len(trees)), struct.pack("<ff", bias[0], step)]
    for feature in range(len(features)):
        out.append(struct.pack(f"<B{len(borders[feature])}f", len(borders[feature]), *borders[feature]))
    for tree in trees:
        out.append(struct.pack("<B", len(tree["splits"])))
        for split in tree["splits"]:
            feature = features[split["float_feature_index"]]["flat_feature_index"]
            border = int(np.argmin(np.abs(np.array(borders[feature]) - split["border"])))
            out.append(struct.pack("<BB", feature, border))
        out.append(struct.pack(f"<{len(tree['leaf_values'])}h", *(round(v * scale / step) for v in tree["leaf_values"])))
    return b"".join(out)


def main():
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--data", required=True, help="unpacked page archives with their gold.json")
    ask.add_argument("--blocks", required=True, help="folder of SET.jsonl by the example extraction_blocks")
    ask.add_argument("--scorer", help="score_extraction.py, for --folds")
    ask.add_argument("--folds", type=int, help="report cross-validation by site")
    ask.add_argument("--export", help="train on all pages and write the model into this folder")
    ask.add_argument("--scores", help="with --export: write the scores of every block, to compare with the Rust code")
    args = ask.parse_args()
    pages, names, vocabulary = load(args.data, args.blocks)
    column = {name: i for i, name in enumerate(names)}
    print(f"{len(pages)} pages of {len({p['site'] for p in pages})} sites, "
          f"{sum(len(p['texts']) for p in pages)} blocks, {len(names)} + {CONTEXT} features")
    if args.folds:
        cross_validate(pages, column, vocabulary, args.folds, args.scorer)
    if args.export:
        trained = train(pages, column, vocabulary, lambda p: p["fold"])
        export(trained, vocabulary, args.export)
        if args.scores:
            scores = {f"{p['set']}/{p['key']}": predict(p, trained, column)[0].round(5).tolist() for p in pages}
            json.dump(scores, open(args.scores, "w", encoding="utf-8"))


if __name__ == "__main__":
    main()
