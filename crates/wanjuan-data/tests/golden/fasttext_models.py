#!/usr/bin/env python3
"""Makes fasttext_models.json: small models trained on generated words, and what the reference answers.

    pip install fasttext-wheel==0.9.2 'numpy<2'
    python3 fasttext_models.py

Each of six invented languages draws words from its own syllables, a few of them accented or Han. The models cover
hierarchical softmax, softmax and one-versus-all; dense and quantized matrices, with cutoff and norms; word n-grams.
Training uses one thread and a fixed seed.
"""
import json
import pathlib
import random
import tempfile

import fasttext

SYLLABLES = {
    "aa": ["ba", "be", "bi", "bo", "bu", "ra", "re"],
    "bb": ["ka", "ke", "ki", "ba", "be", "tra", "sto"],
    "cc": ["lü", "lö", "ra", "ße", "mi", "no"],
    "dd": ["漢", "字", "語", "文", "本"],
    "ee": ["да", "не", "то", "ра", "ли"],
    "ff": ["tion", "ing", "the", "er", "ba", "ra"],
}


def line(rng, language, words):
    return " ".join("".join(rng.choices(SYLLABLES[language], k=rng.randint(1, 4))) for _ in range(words))


def main():
    rng = random.Random(20240501)
    train = []
    for _ in range(1500):
        language = rng.choices(list(SYLLABLES), weights=[32, 16, 9, 8, 4, 1])[0]
        train.append(f"__label__{language} {line(rng, language, rng.randint(3, 12))}")
    lines = [line(rng, language, rng.randint(1, 10)) for language in SYLLABLES for _ in range(12)]
    mixed = [f"{line(rng, a, 3)}\t{line(rng, b, 3)}" for a in SYLLABLES for b in SYLLABLES if a < b]
    lines += mixed + ["", "zzz", "a", "ü", "__label__aa ba", "ba  ra ", "?!"]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        (path / "train").write_text("\n".join(train) + "\n", encoding="utf-8")
        settings = dict(input=str(path / "train"), dim=6, bucket=400, minn=2, maxn=4, epoch=5, lr=0.3, thread=1,
                        minCount=8, seed=7, verbose=0)
        out = {}

        def add(name, model):
            model.save_model(str(path / name))
            answers = [model.predict(one, k=1) for one in lines]
            answers = [[labels[0].removeprefix("__label__"), round(float(p[0]), 6)] if labels else None
                       for labels, p in answers]
            data = (path / name).read_bytes().hex()
            out[name] = {"model": data, "answers": answers}

        add("hierarchical.bin", fasttext.train_supervised(loss="hs", **settings))
        add("softmax-word-bigrams.bin", fasttext.train_supervised(loss="softmax", **{**settings, "wordNgrams": 2}))
        model = fasttext.train_supervised(loss="hs", **settings)
        model.quantize(input=str(path / "train"), cutoff=300, retrain=False, qnorm=False)
        add("hierarchical-cutoff.ftz", model)
        model = fasttext.train_supervised(loss="ova", **{**settings, "dim": 7})
        model.quantize(input=str(path / "train"), qnorm=True)
        add("sigmoids-norms.ftz", model)
    here = pathlib.Path(__file__).parent
    text = json.dumps({"lines": lines, "models": out}, ensure_ascii=False, indent=0)
    (here / "fasttext_models.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
