#!/usr/bin/env python3
"""Wall time of the same perplexity items on the same model: OpenCompass with its HuggingFace models on the CPU, and ours.

    python3 -m venv peer && peer/bin/pip install opencompass==0.5.4 'transformers<5' 'pyarrow<21' gguf
    peer/bin/python opencompass_speed.py --binary target/release/opencompass --gguf SmolLM2-135M-Instruct.Q4_1.gguf \\
        --data DATA --work WORK [--set piqa|arc|mmlu] [--only PART ...] [--items N] [--batch 1 8 16] [--rounds 3] [--dtype float32] [--folder]

The prompts are those of a published configuration that both programs bring: piqa_ppl_3431ea (1,000 rows), ARC_e_ppl_a450bd
with ARC_c_ppl_a450bd (all 862 rows with four choices), mmlu_ppl_ac766d (5 shots, 1,000 rows: the first 17 or 18 of every subject). `--only` and
`--items` choose others: the peer reads five examples with every option, which takes it hours for subjects with long texts.

transformers dequantizes the weights of the GGUF file into a folder in WORK, with a tokenizer that splits text as the file
says; OpenCompass reads that folder. Ours reads the GGUF file, and with --folder the exported folder as well. Times are
those of the whole command, start, loading and scoring included, on all cores that this script may use (`taskset` limits
both); CPU time is that of the command and its children; "infer" is what OpenCompass' inference task reports. Ratios are of
the fastest peer run to ours. Predictions and label perplexities are compared with those of the first peer run: let it be
batch 1, since OpenCompass pads on the left and counts the first token of a shorter prompt of a batch, given the padding.
"""
import argparse
import glob
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import time
import zipfile

# OpenCompass' configuration files of a set, with the names of their lists.
SETS = {
    "piqa": {"piqa.piqa_ppl_3431ea": "piqa_datasets"},
    "arc": {"ARC_e.ARC_e_ppl_a450bd": "ARC_e_datasets", "ARC_c.ARC_c_ppl_a450bd": "ARC_c_datasets"},
    "mmlu": {"mmlu.mmlu_ppl_ac766d": "mmlu_datasets"},
}
CONFIG = """from mmengine.config import read_base
from opencompass.models import HuggingFaceBaseModel

with read_base():
{imports}

_ranges = {ranges}
datasets = [dict(_one, reader_cfg=dict(_one['reader_cfg'], test_range=_ranges[_one['abbr']]))
            for _one in {lists} if _one['abbr'] in _ranges]
models = [dict(type=HuggingFaceBaseModel, abbr='peer', path={path!r}, model_kwargs=dict(torch_dtype={dtype!r}),
               max_seq_len={context}, max_out_len=16, batch_size={batch}, run_cfg=dict(num_gpus=0))]
"""
CONTEXT = 8192


def export(gguf, folder, dtype):
    """Writes the dequantized weights and the tokenizer as a Hugging Face folder, once."""
    if os.path.exists(os.path.join(folder, "tokenizer.json")):
        return
    import gguf as reader
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

    fields = reader.GGUFReader(gguf).fields
    known = {name: field.contents() for name, field in fields.items() if name.startswith("tokenizer.ggml.")}
    kind = (known["tokenizer.ggml.model"], known["tokenizer.ggml.pre"], known.get("tokenizer.ggml.add_bos_token", False))
    if kind != ("gpt2", "smollm", False):
        sys.exit(f"{gguf}: the tokenizer is {kind}; only ('gpt2', 'smollm', False) is exported")
    model = AutoModelForCausalLM.from_pretrained(
        os.path.dirname(os.path.abspath(gguf)), gguf_file=os.path.basename(gguf), dtype=getattr(torch, dtype))
    model.save_pretrained(folder)
    pieces = known["tokenizer.ggml.tokens"]
    merges = [tuple(merge.split(" ")) for merge in known["tokenizer.ggml.merges"]]
    table = Tokenizer(models.BPE({piece: number for number, piece in enumerate(pieces)}, merges))
    digits = pre_tokenizers.Digits(individual_digits=True)
    table.pre_tokenizer = pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    table.decoder = decoders.ByteLevel()
    control = [piece for piece, kind in zip(pieces, known["tokenizer.ggml.token_type"]) if kind == 3]
    table.add_special_tokens(control)
    end = pieces[known["tokenizer.ggml.eos_token_id"]]
    PreTrainedTokenizerFast(tokenizer_object=table, eos_token=end, pad_token=end).save_pretrained(folder)


def rows_of(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def write_lines(path, lines):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as out:
        out.writelines(line + "\n" for line in lines)


def place(name, data, root):
    """Lays the data of one set where OpenCompass' loader looks for it; returns the rows of every dataset."""
    if name == "piqa":
        rows = rows_of(os.path.join(data, "piqa/validation.jsonl"))
        for part in ("train", "dev"):  # zero shots: the training part is read and not used
            write_lines(os.path.join(root, f"data/piqa/{part}.jsonl"),
                        (json.dumps({"id": str(number), **{key: row[key] for key in ("goal", "sol1", "sol2")}})
                         for number, row in enumerate(rows)))
            write_lines(os.path.join(root, f"data/piqa/{part}-labels.lst"), (str(row["label"]) for row in rows))
        return {"piqa": 1000}
    if name == "arc":
        counts = {}
        for letter, word in (("e", "Easy"), ("c", "Challenge")):
            rows = rows_of(os.path.join(data, f"arc/ARC-{word}.validation.jsonl"))
            write_lines(os.path.join(root, f"data/ARC/ARC-{letter}/ARC-{word}-Dev.jsonl"), map(official_arc, rows))
            counts[f"ARC-{letter}"] = len(rows)
        return counts
    with zipfile.ZipFile(os.path.join(data, "mmlu/mmlu.zip")) as archive:
        archive.extractall(os.path.join(root, "unzipped"), [entry for entry in archive.namelist() if entry.endswith(".csv")])
    shutil.rmtree(os.path.join(root, "data/mmlu"), ignore_errors=True)
    shutil.move(os.path.join(root, "unzipped/data"), os.path.join(root, "data/mmlu"))
    files = sorted(glob.glob(os.path.join(root, "data/mmlu/test/*_test.csv")))
    subjects = [os.path.basename(path)[: -len("_test.csv")] for path in files]
    more = 1000 % len(subjects)
    return {f"lukaemon_mmlu_{subject}": 1000 // len(subjects) + (number < more) for number, subject in enumerate(subjects)}


def official_arc(row):
    texts = [{"text": text, "label": label} for text, label in zip(row["choices"]["text"], row["choices"]["label"])]
    return json.dumps({"question": {"stem": row["question"], "choices": texts}, "answerKey": row["answerKey"]})


def timed(command, folder, environment):
    """Runs a command; returns its wall seconds, the CPU seconds of all its processes, and the machine's load before."""
    load, cpu, start = os.getloadavg()[0], resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return wall, after.ru_utime + after.ru_stime - cpu.ru_utime - cpu.ru_stime, load


def predictions(folder, names):
    """Label perplexities, prediction and gold answer of every item, by dataset and number; both programs write alike."""
    items = {}
    for name in names:
        (path,) = glob.glob(os.path.join(folder, "**/predictions/*", f"{name}.json"), recursive=True)
        with open(path, encoding="utf-8") as file:
            for number, item in json.load(file).items():
                ppl = {key: part["PPL"] for key, part in item.items() if key.startswith("label: ")}
                items[name, number] = (ppl, str(item["prediction"]), str(item["gold"]))
    return items


def peer(args, counts, batch):
    folder = os.path.join(args.work, f"{args.set}-peer-{args.dtype}-{batch}")
    shutil.rmtree(folder, ignore_errors=True)
    configs = SETS[args.set]
    text = CONFIG.format(
        imports="\n".join(f"    from opencompass.configs.datasets.{file} import {name}" for file, name in configs.items()),
        ranges={name: f"[:{count}]" for name, count in counts.items()}, lists=" + ".join(configs.values()),
        path=args.model, dtype=f"torch.{args.dtype}", context=CONTEXT, batch=batch)
    write_lines(folder + ".py", [text])
    command = [os.path.join(os.path.dirname(sys.executable), "opencompass"), folder + ".py", "-w", folder,
               "--max-num-workers", "1"]
    # Threads that spin while they wait halt each other as soon as another program uses the cores.
    offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "",
               "OMP_WAIT_POLICY": "PASSIVE", "TOKENIZERS_PARALLELISM": "false", "COMPASS_DATA_CACHE": args.work}
    times = timed(command, args.work, offline)
    logs = "".join(open(path, encoding="utf-8").read() for path in glob.glob(folder + "/*/logs/infer/**/*.out", recursive=True))
    inference = sum(float(seconds) for seconds in re.findall(r"time elapsed: ([\d.]+)s", logs))
    return times, inference, predictions(folder, counts)


def ours(args, counts, model, label):
    folder = os.path.join(args.work, f"{args.set}-ours-{label}")
    shutil.rmtree(folder, ignore_errors=True)
    command = [args.binary, "--models", model, "--datasets", *counts, "--set", f"run.folder={folder}",
               "--set", f'run.data-dirs=["{args.data}"]', "--max-num-workers", str(args.workers)]
    for name, count in counts.items():
        command += ["--set", f'test-range.{name}="[:{count}]"']
    times = timed(command, args.work, {})
    return times, None, predictions(folder, counts)


def show(label, result, best, expected):
    """Prints one row; the ratios are of the fastest peer run to this one, the agreement is with the first peer run."""
    (wall, cpu, load), inference, items = result
    right = sum(prediction == gold for _, prediction, gold in items.values())
    line = f"{label:24} {len(items):5} {wall:7.1f} {cpu:7.1f} {inference or 0:7.1f} {load:5.1f} {100 * right / len(items):6.2f}"
    if best:
        line += f" {best[0] / wall:6.1f}x {best[1] / cpu:6.1f}x"
    else:
        line += f" {'':7} {'':7}"
    same = sum(items[key][1] == expected[key][1] for key in expected)
    far = max(abs(ppl / expected[key][0][name] - 1) for key in expected for name, ppl in items[key][0].items())
    print(f"{line}  {same}/{len(expected)} predictions equal, PPL within {far:.1e}", flush=True)


def main():
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--binary", required=True, help="our opencompass")
    ask.add_argument("--gguf", required=True, help="the model")
    ask.add_argument("--data", required=True, help="folder with piqa/, arc/ and mmlu/ as our dataset files name them")
    ask.add_argument("--work", required=True, help="folder for the exported model, data and results")
    ask.add_argument("--set", choices=SETS, default="piqa")
    ask.add_argument("--items", type=int, help="rows of every dataset, instead of the numbers above")
    ask.add_argument("--only", nargs="*", help="only the datasets of the set whose names end in one of these")
    ask.add_argument("--batch", type=int, nargs="*", default=[1, 8, 16], help="batch sizes of the peer")
    ask.add_argument("--rounds", type=int, default=3, help="runs of ours")
    ask.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"], help="the peer's numbers")
    ask.add_argument("--folder", action="store_true", help="measure ours on the exported folder as well")
    ask.add_argument("--workers", type=int, default=8, help="our requests under way at a time")
    args = ask.parse_args()
    for name in ("binary", "gguf", "data", "work"):
        setattr(args, name, os.path.abspath(getattr(args, name)))
    args.model = os.path.join(args.work, f"model-{args.dtype}")
    os.makedirs(args.work, exist_ok=True)
    export(args.gguf, args.model, args.dtype)
    counts = place(args.set, args.data, args.work)
    if args.only:
        counts = {name: count for name, count in counts.items() if name.endswith(tuple(args.only))}
    if args.items:
        counts = dict.fromkeys(counts, args.items)
    print(f"{'run':24} {'items':>5} {'wall s':>7} {'CPU s':>7} {'infer s':>7} {'load':>5} {'score':>6} {'wall':>7} {'CPU':>7}")
    best = expected = None
    for batch in args.batch:
        result = peer(args, counts, batch)
        expected = expected or result[2]
        best = min(best or result[0], result[0])
        show(f"OpenCompass, batch {batch}", result, None, expected)
    runs = [("GGUF", args.gguf)] * args.rounds + [("folder", args.model)] * (args.rounds if args.folder else 0)
    for name, model in runs:
        show(f"ours, {name}", ours(args, counts, model, name), best, expected)


if __name__ == "__main__":
    main()
