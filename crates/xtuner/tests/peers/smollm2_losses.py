"""Losses of `xtuner train` with LoRA on a real model next to those of PyTorch and PEFT, step by step.

    python smollm2_losses.py configs/smollm2_sft_lora.toml --xtuner target/release/xtuner --model models/smollm2 \\
        --data instruction-data.json --work WORK [--steps 50] [--rows-per-step 4] [--packing none] [--json FILE]
    python smollm2_losses.py configs/smollm2_dpo_lora.toml --data instruction-data-with-preference.json \\
        --rows-per-step 2 ...

Needs torch, transformers, peft. The config is that of supervised tuning or of a preference loss on pairs; `--set` changes
it for both sides. The peer reads what xtuner writes: the ids and labels of `xtuner log-dataset`, and the adapter of a run of
one step at the rate 0, under LLaMA's names. It knows nothing of templates and masks. Packing, order of the rows, schedule
and losses are written here again from their descriptions. xtuner's projection is fused, and q, k and v have one A: the three
modules of PEFT share that parameter. Every row is learned from: nothing is held out. Exits with 1 when a loss differs by more
than the tolerance.
"""

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tomllib
import warnings
from pathlib import Path

import peft
import torch
import transformers
from dpo_torch import CounterRng, losses, rate
from peft import PeftModel
from transformers import AutoModelForCausalLM

IGNORED = -100
# Samples of one window of first-fit packing.
WINDOW = 256
# Settings that change losses and that the peer does not have: table, key, and the value that it stands for.
FIXED = [
    ("model", "method", "lora"),
    ("lora", "dropout", 0.0),
    ("lora", "dora", False),
    ("lora", "base", "f32"),
    ("lora", "bias", "none"),
    ("lora", "modules-to-save", []),
    ("dataset", "source", []),
    ("dataset", "pretrain", None),
    ("dataset", "neftune-alpha", None),
    ("dataset", "reduction", "token"),
    ("dataset", "group-by-length", False),
]


class Xtuner:
    """The binary, with the settings of every call."""

    def __init__(self, arguments):
        self.binary, self.config = arguments.xtuner, arguments.config
        self.settings = {
            "model.path": str(Path(arguments.model).resolve()),
            "dataset.paths": [str(Path(arguments.data).resolve())],
            "dataset.packing": arguments.packing,
            "dataset.rows-per-step": arguments.rows_per_step,
            "dataset.max-length": arguments.max_length,
            "dataset.valid-conversations": 0,
            "schedule.steps": arguments.steps,
            "checkpoint.every": 1_000_000,
            "monitor.valid-every": 0,
        }
        if "samples" in tomllib.loads(Path(arguments.config).read_text()):
            self.settings["samples.prompts"] = []
        self.overrides = arguments.set

    def call(self, *words, changes={}):
        """Standard output of one call with the settings, the overrides of the user, and `changes`."""
        settings, changed = ([f"{key}={json.dumps(of[key])}" for key in of] for of in (self.settings, changes))
        settings += self.overrides + changed
        return self.plain(words[0], self.config, *words[1:], *(word for item in settings for word in ("--set", item)))

    def plain(self, *words):
        """Standard output of a call without settings."""
        command = [self.binary, *map(str, words)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(command)}: exit code {done.returncode}")
        return done.stdout

    def train(self, folder, changes={}):
        """Trains into a new folder and leaves the metrics and the adapter there."""
        shutil.rmtree(folder, ignore_errors=True)
        self.call("train", "--work-dir", folder, changes=changes)
        shutil.rmtree(folder / "hf", ignore_errors=True)
        shutil.rmtree(folder / "checkpoints", ignore_errors=True)

    def samples(self):
        """Ids and labels of all samples, in the order of the data."""
        columns = []
        for show in ("input_ids", "labels"):
            shown = self.call("log-dataset", "--show", show, "--count", 10**9)
            columns.append([json.loads(line) for line in shown.splitlines()])
        return list(zip(*columns, strict=True))


def learned(sample):
    return sum(label != IGNORED for label in sample[1][1:])


def rows_of(examples, config):
    """Lists of the examples that share a row."""
    data = config["dataset"]
    if data.get("packing", "soft") == "none":
        return [[example] for example in examples]
    longest = data["max-length"] * len(examples[0])
    room, lengths = data.get("row-tokens", longest), [sum(len(ids) for ids, _ in example) for example in examples]
    order = CounterRng.named(config["run"]["seed"], "pack").permutation(len(examples))
    rows = []
    for start in range(0, len(order), WINDOW):
        first = len(rows)
        for example in order[start : start + WINDOW]:
            fits = (row for row in rows[first:] if sum(lengths[other] for other in row) + lengths[example] <= room)
            row = next(fits, None)
            if row is None:
                rows.append([example])
            else:
                row.append(example)
    return [[examples[example] for example in row] for row in rows]


def steps_of(rows, config):
    """The examples of one step after the other, without end."""
    rng, batch = CounterRng.named(config["run"]["seed"], "rows"), config["dataset"]["rows-per-step"]
    epoch, pending = 0, []
    while True:
        while len(pending) < batch:
            pending += rng.split(epoch).permutation(len(rows))
            epoch += 1
        numbers, pending = pending[:batch], pending[batch:]
        yield [example for number in numbers for example in rows[number]]


def load(model_folder, adapter):
    """The model with the adapter, whose A serves q, k and v together."""
    base = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32, attn_implementation="sdpa")
    model = PeftModel.from_pretrained(base, adapter, is_trainable=True)
    for layer in base.model.layers:
        q, *others = (getattr(layer.self_attn, name) for name in ("q_proj", "k_proj", "v_proj"))
        for other in others if hasattr(q, "lora_A") else []:
            if not torch.equal(q.lora_A["default"].weight, other.lora_A["default"].weight):
                sys.exit(f"{adapter}: q, k and v have different A, expected the same")
            other.lora_A["default"].weight = q.lora_A["default"].weight
    return model.train()


def log_probs(model, sample):
    """Log-probabilities of the learned ids of one sample."""
    ids, labels = (torch.tensor(part) for part in sample)
    chosen = (labels[1:] != IGNORED).nonzero()[:, 0]
    logits = model(input_ids=ids[None], use_cache=False).logits[0, chosen]
    return logits.log_softmax(-1).gather(1, labels[1:][chosen, None])[:, 0]


def supervised(model, examples):
    """The loss of a step, with its gradient left in the parameters: the mean over all learned ids."""
    total = sum(learned(sample) for example in examples for sample in example)
    value = 0.0
    for (sample,) in examples:
        loss = -log_probs(model, sample).sum() / total
        loss.backward()
        value += loss.item()
    return value


def preference(model, examples, objective):
    """The loss of a step, with its gradient left in the parameters: the mean over all pairs."""
    value = 0.0
    for pair in examples:
        with torch.no_grad(), model.disable_adapter():
            before = torch.stack([log_probs(model, sample).sum() for sample in pair])
        policy = torch.stack([log_probs(model, sample).sum() for sample in pair])
        counts = torch.tensor([learned(sample) for sample in pair])
        loss = losses(objective, policy[None], before[None], counts[None]).sum() / len(examples)
        loss.backward()
        value += loss.item()
    return value


def replay(model, config, steps, step_loss):
    """One step of PyTorch after the other: loss and norm of the gradient before the clip."""
    optim, schedule = config["optim"], config["schedule"]
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    adamw = torch.optim.AdamW(
        trained,
        lr=optim["lr"],
        betas=(optim["beta1"], optim["beta2"]),
        eps=optim["eps"],
        weight_decay=optim["weight-decay"],
    )
    for step in range(schedule["steps"]):
        value = step_loss(model, next(steps))
        norm = torch.nn.utils.clip_grad_norm_(trained, optim["clip"]).item()
        for group in adamw.param_groups:
            group["lr"] = rate(schedule, schedule["steps"], step, optim["lr"])
        adamw.step()
        adamw.zero_grad()
        yield value, norm


def check(config):
    """Refuses settings that the peer does not have."""
    for table, key, expected in FIXED:
        found = config.get(table, {}).get(key, expected)
        if found != expected:
            sys.exit(f"{table}.{key}: found {found!r}, expected {expected!r}")
    kind = config.get("objective", {}).get("kind", "sft")
    if kind not in ("sft", "preference"):
        sys.exit(f"objective.kind: found {kind!r}, expected sft or preference")
    return kind


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", help="TOML of the run")
    parser.add_argument("--xtuner", default="xtuner", help="the binary")
    parser.add_argument("--model", required=True, help="folder of the model, with LLaMA's names")
    parser.add_argument("--data", required=True, help="file of conversations or comparisons")
    parser.add_argument("--work", type=Path, default=Path("runs/smollm2-losses"), help="folder for what xtuner writes")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--rows-per-step", type=int, default=4, help="rows of a step, not packed: samples or pairs")
    parser.add_argument("--packing", choices=["none", "soft"], default="none")
    parser.add_argument("--max-length", type=int, default=512)
    parser.add_argument("--threads", type=int, default=2, help="threads of PyTorch")
    parser.add_argument("--tolerance", type=float, default=1e-4, help="largest relative difference of a loss")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override one key of the config")
    parser.add_argument("--json", type=Path, help="file for the results")
    return parser.parse_args()


def main():
    arguments = parse()
    work = arguments.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(arguments.threads)
    transformers.utils.logging.disable_progress_bar()
    warnings.filterwarnings("ignore", category=FutureWarning)
    xtuner = Xtuner(arguments)
    # At the rate 0 the adapter that is written is the one that the run begins with.
    xtuner.train(work / "start", {"schedule.steps": 1, "optim.lr": 0.0, "dataset.rows-per-step": 1})
    shutil.rmtree(work / "adapter", ignore_errors=True)
    start = work / "start" / "adapter"
    xtuner.plain("convert", "adapter", arguments.model, start, work / "adapter", "--names", "llama")
    xtuner.train(work / "run")
    config = tomllib.loads((work / "run" / "config.toml").read_text())
    kind = check(config)
    written = [json.loads(line) for line in (work / "run" / "metrics.jsonl").read_text().splitlines()]
    written = [row for row in written if "loss" in row]

    samples = xtuner.samples()
    if kind == "sft":
        examples = [[sample] for sample in samples if learned(sample)]
        step_loss = supervised
    else:
        # A comparison is two samples: the chosen answer, then the rejected one.
        examples = [list(pair) for pair in zip(samples[::2], samples[1::2], strict=True)]
        step_loss = lambda model, examples: preference(model, examples, config["objective"])
    model = load(arguments.model, work / "adapter")
    steps = replay(model, config, steps_of(rows_of(examples, config), config), step_loss)
    rows, worst = [], 0.0
    for ours, (value, norm) in zip(written, steps, strict=True):
        far = abs(ours["loss"] - value) / max(abs(value), 1e-12)
        worst = max(worst, far if math.isfinite(far) else math.inf)
        rows.append({"step": ours["step"], "torch": value, "xtuner": ours["loss"], "relative": far})
        rows[-1] |= {"torch_grad_norm": norm, "xtuner_grad_norm": ours["grad_norm"]}
        norms = f"gradient norm {norm:.5f} and {ours['grad_norm']:.5f}"
        both = f"torch {value:.7f}  xtuner {ours['loss']:.7f}"
        print(f"step {ours['step']:>4}  {both}  relative {far:.1e}  {norms}", flush=True)
    if arguments.json:
        versions = {package.__name__: package.__version__ for package in (torch, transformers, peft)}
        found = {"objective": kind, "config": os.path.basename(arguments.config), "settings": xtuner.settings}
        found |= {"versions": versions, "largest": worst, "tolerance": arguments.tolerance, "steps": rows}
        arguments.json.write_text(json.dumps(found, indent=1) + "\n")
    print(f"{kind}: largest relative difference of {len(rows)} losses {worst:.2e}, tolerance {arguments.tolerance:.0e}")
    sys.exit(worst > arguments.tolerance)


if __name__ == "__main__":
    main()
