"""Repeats a preference run of xtuner in plain PyTorch, in the manner of TRL, and compares the losses of its steps.

    xtuner train preference.toml --work-dir runs/dpo --set schedule.steps=50
    python tests/peers/dpo_torch.py runs/dpo [--steps 50] [--tolerance 1e-4]     (torch, transformers)

Reads `config.toml` and `metrics.jsonl` of the run. The model folder must be one that transformers opens, rows must not
be packed (`dataset.packing = "none"`), and the method is `full`, or `lora` on `wo`, `w1`, `w2` and `w3`, whose names are
one to one. Start, data order, schedule and optimizer are written here again from their descriptions; nothing of xtuner
is called. Exits with 1 when a loss differs by more than the tolerance.
"""

import argparse
import json
import math
import sys
import tomllib
from pathlib import Path

import torch
import torch.nn.functional as F
from transformers import AutoModelForCausalLM, AutoTokenizer

MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15
MODULES = {"wo": "self_attn.o_proj", "w1": "mlp.gate_proj", "w2": "mlp.down_proj", "w3": "mlp.up_proj"}
PARENTS = {"wo": "attention", "w1": "feed_forward", "w2": "feed_forward", "w3": "feed_forward"}


def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


class CounterRng:
    """SplitMix64's finalizer on a keyed counter."""

    def __init__(self, key):
        self.key = key

    @classmethod
    def named(cls, seed, purpose):
        key = mix((seed + GOLDEN) & MASK)
        for byte in purpose.encode():
            key = (mix(key ^ byte) + GOLDEN) & MASK
        return cls(key)

    def split(self, index):
        return CounterRng(mix(self.key ^ mix((index + GOLDEN) & MASK)))

    def u64(self, counter):
        return mix((self.key + counter * GOLDEN) & MASK)

    def below(self, counter, bound):
        return (self.u64(counter) * bound) >> 64

    def permutation(self, length):
        order = list(range(length))
        for last in range(length - 1, 0, -1):
            other = self.below(last, last + 1)
            order[last], order[other] = order[other], order[last]
        return order

    def uniform(self, shape, spread):
        count = shape[0] * shape[1]
        values = [spread * (2 * (self.u64(i) >> 11) / (1 << 53) - 1) for i in range(count)]
        return torch.tensor(values, dtype=torch.float64).float().reshape(shape)


def rows_of(path):
    text = Path(path).read_text(encoding="utf-8").lstrip("\ufeff")
    if text.lstrip().startswith("["):
        return json.loads(text)
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def pair_of(row):
    """Prompt messages, chosen text, rejected text."""
    if "instruction" in row:
        asked = row["instruction"] + ("\n" + row["input"] if row.get("input") else "")
        prompt = [{"role": "user", "content": asked}]
    elif isinstance(row["prompt"], str):
        prompt = [{"role": "user", "content": row["prompt"]}]
    else:
        prompt = row["prompt"]

    def said(answer):
        if isinstance(answer, str):
            return answer
        return (answer if isinstance(answer, dict) else answer[-1])["content"]

    return prompt, said(row["chosen"]), said(row["rejected"])


def encode(tokenizer, prompt, answer, max_length):
    """Ids and where the answer's tokens are; None when nothing of the answer is left."""
    ids_of = lambda messages, generate: tokenizer.apply_chat_template(
        messages, add_generation_prompt=generate, tokenize=True, return_dict=False
    )
    before = ids_of(prompt, True)
    ids = ids_of(prompt + [{"role": "assistant", "content": answer}], False)
    start = next((i for i, (a, b) in enumerate(zip(before, ids)) if a != b), min(len(before), len(ids)))
    # What follows the last special token belongs to the format.
    specials = set(tokenizer.all_special_ids)
    end = max((i + 1 for i in range(start, len(ids)) if ids[i] in specials), default=len(ids))
    ids, end = ids[:max_length], min(end, max_length)
    return (ids, start, end) if max(start, 1) < end else None


def log_prob(model, samples, device):
    """Sums of log-probabilities of the answers, one pass for each sample, and the numbers of their tokens."""
    sums, counts = [], []
    for ids, start, end in samples:
        logits = model(torch.tensor([ids], device=device)).logits[0].float()
        first = max(start, 1)
        labels = torch.tensor(ids[first:end], device=device)
        picked = logits[first - 1 : end - 1].log_softmax(-1).gather(1, labels[:, None])[:, 0]
        sums.append(picked.sum())
        counts.append(end - first)
    return torch.stack(sums), torch.tensor(counts, device=device)


def losses(config, policy, reference, counts):
    """The losses of TRL's trainers for pairs; `policy` and `reference` are [pairs, 2]."""
    name = config.get("loss", "sigmoid").replace("_", "-")
    beta = config.get("beta", 2.0 if name == "simpo" else 0.1)
    smooth = config.get("label-smoothing", 0.0)
    if name in ("orpo", "simpo"):
        mean = policy / counts
        if name == "simpo":
            x = beta * (mean[:, 0] - mean[:, 1]) - config.get("margin", 0.5)
            return -F.logsigmoid(x) * (1 - smooth) - F.logsigmoid(-x) * smooth
        log_odds = mean[:, 0] - mean[:, 1] - (torch.log1p(-mean[:, 0].exp()) - torch.log1p(-mean[:, 1].exp()))
        return -mean[:, 0] - beta * F.logsigmoid(log_odds)
    ratios = policy - reference
    if name == "ipo":
        ratios = ratios / counts
    chosen, rejected = ratios[:, 0], ratios[:, 1]
    x = beta * (chosen - rejected)
    if name == "sigmoid":
        return -F.logsigmoid(x) * (1 - smooth) - F.logsigmoid(-x) * smooth
    if name == "robust":
        return (-F.logsigmoid(x) * (1 - smooth) + F.logsigmoid(-x) * smooth) / (1 - 2 * smooth)
    if name == "hinge":
        return torch.relu(1 - x)
    if name == "ipo":
        return (chosen - rejected - 1 / (2 * beta)) ** 2
    if name == "sppo-hard":
        return (chosen - 0.5 / beta) ** 2 + (rejected + 0.5 / beta) ** 2
    if name == "nca-pair":
        p, n = beta * chosen, beta * rejected
        return -F.logsigmoid(p) - 0.5 * F.logsigmoid(-p) - 0.5 * F.logsigmoid(-n)
    sys.exit(f"this script has no loss {name}: of groups, or of single answers")


class LoraLinear(torch.nn.Module):
    """A frozen layer plus a low-rank product."""

    def __init__(self, base, a, scale):
        super().__init__()
        self.base, self.scale, self.on = base, scale, True
        self.a = torch.nn.Parameter(a)
        self.b = torch.nn.Parameter(torch.zeros(base.weight.shape[0], a.shape[0]))

    def forward(self, x):
        y = self.base(x)
        return y + self.scale * F.linear(F.linear(x, self.a), self.b) if self.on else y


def inject(model, lora, seed):
    """Freezes the model and puts adapters on the layers that the config names."""
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    rank, scale = lora.get("rank", 64), lora.get("alpha", 16.0) / lora.get("rank", 64)
    adapters = []
    for index, layer in enumerate(model.model.layers):
        for target in lora["target-modules"]:
            parent_name, child = MODULES[target].split(".")
            parent = getattr(layer, parent_name)
            base = getattr(parent, child)
            name = f"model.layers.{index}.{PARENTS[target]}.{target}"
            inputs = base.weight.shape[1]
            a = CounterRng.named(seed, name).uniform((rank, inputs), 1 / math.sqrt(inputs))
            adapters.append(LoraLinear(base, a, scale))
            setattr(parent, child, adapters[-1])
    return adapters


def examples_of(config, tokenizer):
    """Encoded pairs of the training part, in the order of the files."""
    data, seed = config["dataset"], config["run"]["seed"]
    rows = [row for path in data["paths"] for row in rows_of(path)]
    max_length = data.get("max-length", 2048)
    held_out = CounterRng.named(seed, "validation").permutation(len(rows))
    held_out = set(held_out[: min(data.get("valid-conversations", 100), len(rows) // 10)])
    examples = []
    for index, row in enumerate(rows):
        prompt, chosen, rejected = pair_of(row)
        if index in held_out or chosen == rejected:
            continue
        pair = [encode(tokenizer, prompt, answer, max_length) for answer in (chosen, rejected)]
        room = data.get("row-tokens", 2 * max_length)
        if all(pair) and sum(len(sample[0]) for sample in pair) <= room:
            examples.append(pair)
    return examples


def rate(schedule, total, step, top):
    warmup = math.floor(total * schedule.get("warmup-ratio", 0.03))
    if step < warmup:
        return top * (step + 1) / warmup
    share = min((step - warmup) / max(total - warmup, 1), 1.0)
    floor = schedule.get("eta-min", 0.0)
    return floor + (top - floor) * (1 + math.cos(math.pi * share)) / 2


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--tolerance", type=float, default=1e-4)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    run = Path(arguments.run)
    config = tomllib.loads((run / "config.toml").read_text())
    metrics = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    expected = [row["loss"] for row in metrics if "loss" in row]

    tokenizer = AutoTokenizer.from_pretrained(config["model"]["path"])
    load = lambda: AutoModelForCausalLM.from_pretrained(
        config["model"]["path"], dtype=torch.float32, attn_implementation="eager"
    ).to(arguments.device)
    model, seed = load(), config["run"]["seed"]
    adapters = []
    if config["model"]["method"] == "lora":
        adapters = inject(model, config["lora"], seed)
        model.to(arguments.device)
        reference = None
    else:
        reference = load()
    examples = examples_of(config, tokenizer)
    objective, optim = config["objective"], config["optim"]
    batch = config["dataset"].get("rows-per-step", 4)
    schedule = config.get("schedule", {})
    total = schedule.get("steps") or math.ceil(schedule.get("epochs", 1.0) * len(examples) / batch)

    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    decay = optim.get("weight-decay", 0.1)
    groups = [
        {"params": [p for p in trained if p.dim() >= 2], "weight_decay": decay},
        {"params": [p for p in trained if p.dim() < 2], "weight_decay": 0.0},
    ]
    adamw = torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=optim["lr"],
        betas=(optim.get("beta1", 0.9), optim.get("beta2", 0.95)),
        eps=optim.get("eps", 1e-8),
    )
    rng, orders, worst = CounterRng.named(seed, "rows"), {}, 0.0
    for step in range(min(arguments.steps, total, len(expected))):
        value = 0.0
        for draw in range(step * batch, (step + 1) * batch):
            epoch, place = divmod(draw, len(examples))
            order = orders.setdefault(epoch, rng.split(epoch).permutation(len(examples)))
            pair = examples[order[place]]
            with torch.no_grad():
                for adapter in adapters:
                    adapter.on = False
                before, _ = log_prob(reference or model, pair, arguments.device)
                for adapter in adapters:
                    adapter.on = True
            policy, counts = log_prob(model, pair, arguments.device)
            loss = losses(objective, policy[None], before[None], counts[None]).mean() / batch
            loss.backward()
            value += loss.item()
        torch.nn.utils.clip_grad_norm_(trained, optim.get("clip", 1.0))
        for group in adamw.param_groups:
            group["lr"] = rate(schedule, total, step, optim["lr"])
        adamw.step()
        adamw.zero_grad()
        far = abs(value - expected[step]) / max(abs(value), 1e-12)
        worst = max(worst, far)
        print(f"step {step + 1:>4}  torch {value:.7f}  xtuner {expected[step]:.7f}  relative {far:.1e}", flush=True)
    print(f"largest relative difference {worst:.2e}, tolerance {arguments.tolerance:.0e}")
    sys.exit(worst > arguments.tolerance)


if __name__ == "__main__":
    main()
