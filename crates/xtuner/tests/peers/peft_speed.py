"""Speed and memory of LoRA tuning: `xtuner train` next to PyTorch, transformers and PEFT, in one interleaved run.

    python peft_speed.py configs/smollm2_sft_lora.toml --xtuner target/release/xtuner --model models/smollm2 \\
        --data instruction-data.json --work WORK [--rounds 3] [--steps 5] [--rows 4] [--tokens 512] [--threads 2] \\
        [--ours batch accumulate] [--peer batch accumulate] [--head all|labels] [--json FILE]

Needs torch, transformers, peft. Both sides train on the same rows in f32, with the adapters and the optimizer of the
config. The rows are what `xtuner log-dataset` shows, end to end and cut every `--tokens` ids: all have the same length, so
that there is no padding on either side and attention is causal over the whole row. Every step takes all `--rows` rows, in
one pass (`batch`) or with one pass for each row (`accumulate`: `run.pass-tokens` of xtuner, gradient accumulation of the
peer).

Tokens per second are all tokens of the rows, learned or not, by the seconds of the step: forward, backward, clip and
optimizer. The first step of every run is left out. Memory is the largest resident set of the process, loading included. Each
run is a process of its own; both sides have the same cores. The peer computes logits for every token, as the trainers of
transformers do; with `--head labels` only for learned ones. The losses of the first step must agree. Measure on an idle
machine: PyTorch's threads spin while they wait, and starve when other programs use the cores; the load is printed.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import tomllib
from importlib.metadata import version
from pathlib import Path

IGNORED = -100
# Relative difference of the first losses: the model without an adapter, computed twice.
SAME = 1e-4
# What xtuner is to reach against the fastest peer: tokens per second, and memory.
GOALS = (1.3, 0.7)


def settings(values):
    return [word for key, value in values.items() for word in ("--set", f"{key}={json.dumps(value)}")]


def measured(command, log):
    """Standard output of a process, and the largest resident memory of it in MiB. This process has to stay small: a
    child's count begins with the memory of its parent."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process:
        text = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)}: exit code {process.returncode}, see {log.name}")
    return text, usage.ru_maxrss / 1024


def write_rows(arguments, path):
    """Writes the rows of a step and returns the number of learned ids in them."""
    streams = []
    for show in ("input_ids", "labels"):
        given = {"model.path": arguments.model, "dataset.paths": [arguments.data], "dataset.valid-conversations": 0}
        command = [arguments.xtuner, "log-dataset", arguments.config, *settings(given)]
        shown = subprocess.run([*command, "--show", show, "--count", "1000000000"], stdout=subprocess.PIPE, text=True)
        if shown.returncode:
            sys.exit(f"{' '.join(command)}: exit code {shown.returncode}")
        streams.append([number for line in shown.stdout.splitlines() for number in json.loads(line)])
    ids, labels = streams
    tokens, needed = arguments.tokens, arguments.rows * arguments.tokens
    if len(ids) < needed:
        sys.exit(f"{arguments.data}: found {len(ids)} tokens, expected at least {needed}")
    learned = 0
    with open(path, "w", encoding="utf-8") as out:
        for start in range(0, needed, tokens):
            row = {"input_ids": ids[start : start + tokens], "labels": labels[start : start + tokens]}
            learned += sum(label != IGNORED for label in row["labels"][1:])
            out.write(json.dumps(row) + "\n")
    return learned


def ours(arguments, mode, rows, log):
    """Tokens per second of every step, the first loss, and memory of one run of xtuner."""
    folder = arguments.work / "run"
    shutil.rmtree(folder, ignore_errors=True)
    step_tokens = arguments.rows * arguments.tokens
    given = {
        "model.path": arguments.model,
        "model.method": "lora",
        "dataset.paths": [str(rows)],
        "dataset.format": "tokenized",
        "dataset.packing": "none",
        "dataset.max-length": arguments.tokens,
        "dataset.rows-per-step": arguments.rows,
        "dataset.valid-conversations": 0,
        "run.pass-tokens": step_tokens if mode == "batch" else arguments.tokens,
        "schedule.steps": arguments.steps,
        "samples.prompts": [],
        "checkpoint.every": 1_000_000,
        "monitor.valid-every": 0,
    }
    command = [arguments.xtuner, "train", arguments.config, "--work-dir", str(folder), *settings(given)]
    _, memory = measured(command, log)
    written = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    written = [row for row in written if "loss" in row]
    if [row["tokens"] for row in written] != [step_tokens * (step + 1) for step in range(arguments.steps)]:
        found = [row["tokens"] for row in written]
        sys.exit(f"{folder}/metrics.jsonl: found tokens {found}, expected {step_tokens} more a step")
    shutil.rmtree(folder)
    return [row["tokens_per_second"] for row in written], written[0]["loss"], memory


def theirs(arguments, mode, rows, log):
    """Tokens per second of every step, the first loss, and memory of one run of the peer."""
    config = tomllib.loads(Path(arguments.config).read_text())
    if unknown := set(config["lora"]) - {"rank", "alpha", "target-modules"}:
        sys.exit(f"{arguments.config}: found lora.{min(unknown)}, expected rank, alpha and target-modules only")
    if (found := config["lora"].get("target-modules", "all-linear")) != "all-linear":
        sys.exit(f"{arguments.config}: lora.target-modules: found {found}, expected all-linear")
    given = {name: getattr(arguments, name) for name in ("model", "threads", "steps", "head")}
    given |= {"mode": mode, "rows": str(rows), "lora": config["lora"], "optim": config["optim"]}
    text, memory = measured([sys.executable, __file__, "--one-peer", json.dumps(given)], log)
    found = json.loads(text.splitlines()[-1])
    tokens = arguments.rows * arguments.tokens
    return [tokens / seconds for seconds in found["seconds"]], found["losses"][0], memory


def one_peer(given):
    """The process of the peer: seconds and losses of its steps on the last line of standard output."""
    import torch
    import torch.nn.functional as F
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(given["threads"])
    torch.manual_seed(1)
    lora, optim = given["lora"], given["optim"]
    base = AutoModelForCausalLM.from_pretrained(given["model"], dtype=torch.float32, attn_implementation="sdpa")
    adapters = LoraConfig(
        r=lora["rank"], lora_alpha=lora["alpha"], lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    model = get_peft_model(base, adapters).train()
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    betas = (optim.get("beta1", 0.9), optim.get("beta2", 0.95))
    adamw = torch.optim.AdamW(trained, lr=optim["lr"], betas=betas, weight_decay=optim.get("weight-decay", 0.1))

    with open(given["rows"], encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    ids, labels = (torch.tensor([row[key] for row in rows]) for key in ("input_ids", "labels"))
    passes = list(zip(*(part.split(len(rows) if given["mode"] == "batch" else 1) for part in (ids, labels))))
    learned = lambda labels: (labels[:, 1:] != IGNORED).sum().item()

    def mean_loss(ids, labels):
        if given["head"] == "all":
            return model(input_ids=ids, labels=labels, use_cache=False).loss
        hidden = base.model(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]
        chosen = labels[:, 1:] != IGNORED
        return F.cross_entropy(base.lm_head(hidden[chosen]), labels[:, 1:][chosen])

    found = {"seconds": [], "losses": []}
    for _ in range(given["steps"]):
        start, value = time.perf_counter(), 0.0
        for part in passes:
            if share := learned(part[1]) / learned(labels):
                loss = mean_loss(*part) * share
                loss.backward()
                value += loss.item()
        torch.nn.utils.clip_grad_norm_(trained, optim.get("clip", 1.0))
        adamw.step()
        adamw.zero_grad()
        found["seconds"].append(time.perf_counter() - start)
        found["losses"].append(value)
    print(json.dumps(found))


def compare(runs):
    """Prints medians over the rounds and what xtuner has of the peer; returns the ratios by pair of sides."""
    medians = {}
    for name, found in runs.items():
        rate = statistics.median(statistics.median(run["rates"][1:]) for run in found)
        medians[name] = (rate, statistics.median(run["memory"] for run in found))
        print(f"median {name:18} {medians[name][0]:9.1f} {medians[name][1]:7.0f}")
    peers = {name: found for name, found in medians.items() if name.startswith("PEFT")}
    fastest = max(peers, key=lambda name: peers[name][0], default=None)
    ratios = {}
    for own in (name for name in medians if name not in peers):
        for peer in peers:
            ratio = [medians[own][part] / medians[peer][part] for part in (0, 1)]
            ratios[f"{own} / {peer}"] = ratio
            reached = ("reached" if ratio[0] >= GOALS[0] else "missed", "reached" if ratio[1] <= GOALS[1] else "missed")
            goals = f"; goals {GOALS[0]}x {reached[0]}, {GOALS[1]}x {reached[1]}" if peer == fastest else ""
            print(f"{own} to {peer}: {ratio[0]:.2f}x tokens/s, {ratio[1]:.2f}x memory{goals}")
    return ratios


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", help="TOML of a run with LoRA")
    parser.add_argument("--xtuner", default="xtuner", help="the binary")
    parser.add_argument("--model", required=True, help="folder of the model, with LLaMA's names")
    parser.add_argument("--data", required=True, help="file of conversations, in the format that the config names")
    parser.add_argument("--work", type=Path, default=Path("runs/peft-speed"), help="folder for rows, logs and runs")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=5, help="steps of a run, of which the first is left out")
    parser.add_argument("--rows", type=int, default=4, help="rows of a step")
    parser.add_argument("--tokens", type=int, default=512, help="tokens of a row")
    parser.add_argument("--threads", type=int, default=2, help="cores of both sides, and threads of PyTorch")
    parser.add_argument("--ours", nargs="*", choices=["batch", "accumulate"], default=["batch"])
    parser.add_argument("--peer", nargs="*", choices=["batch", "accumulate"], default=["batch", "accumulate"])
    parser.add_argument("--head", choices=["all", "labels"], default="all", help="tokens whose logits the peer computes")
    parser.add_argument("--json", type=Path, help="file for the results")
    arguments = parser.parse_args()
    if arguments.steps < 2:
        parser.error(f"--steps: found {arguments.steps}, expected at least 2")
    for name in ("config", "model", "data"):
        setattr(arguments, name, str(Path(getattr(arguments, name)).resolve()))
    return arguments


def main():
    arguments = parse()
    arguments.work = arguments.work.resolve()
    arguments.work.mkdir(parents=True, exist_ok=True)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.threads])
    rows = arguments.work / "rows.jsonl"
    learned, tokens = write_rows(arguments, rows), arguments.rows * arguments.tokens
    if not learned:
        sys.exit(f"{arguments.data}: found no learned token in the first {tokens}, expected some: more --rows or --tokens")
    shape = f"{arguments.rows} rows of {arguments.tokens} tokens, {learned / tokens:.0%} of them learned"
    versions = {package: version(package) for package in ("torch", "transformers", "peft")}
    print(f"{shape}; {arguments.threads} threads; {versions}")
    sides = [(f"xtuner {mode}", ours, mode) for mode in arguments.ours]
    sides += [(f"PEFT {mode}", theirs, mode) for mode in arguments.peer]
    runs, expected = {name: [] for name, _, _ in sides}, None
    print(f"{'round':>6} {'side':18} {'tokens/s':>9} {'MiB':>7}")
    for turn in range(arguments.rounds):
        # No side has the same place in every round.
        first = turn % len(sides)
        for name, run, mode in sides[first:] + sides[:first]:
            load = os.getloadavg()[0]
            with open(arguments.work / f"{name.replace(' ', '-')}.log", "w", encoding="utf-8") as log:
                rates, loss, memory = run(arguments, mode, rows, log)
            expected = loss if expected is None else expected
            if not abs(loss - expected) <= SAME * abs(expected):
                sys.exit(f"{name}: the first loss is {loss}, expected {expected} as on the other side")
            runs[name].append({"rates": rates, "memory": memory, "load": load, "loss": loss})
            seconds = " ".join(f"{tokens / rate:.2f}" for rate in rates)
            rest = f"load {load:.1f}, first loss {loss:.5f}, seconds of the steps {seconds}"
            print(f"{turn + 1:>6} {name:18} {statistics.median(rates[1:]):9.1f} {memory:7.0f}  {rest}", flush=True)
    ratios = compare(runs)
    if arguments.json:
        given = {name: getattr(arguments, name) for name in ("rows", "tokens", "steps", "threads", "head")}
        found = {"settings": given | {"learned": learned, "versions": versions}, "runs": runs, "ratios": ratios}
        arguments.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one-peer"]:
        one_peer(json.loads(sys.argv[2]))
    else:
        main()
