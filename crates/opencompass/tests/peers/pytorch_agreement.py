"""How well a run of opencompass on a GGUF model agrees with PyTorch on the same weights, set by set.

    python pytorch_agreement.py MODEL.gguf RUN_FOLDER [--model NAME] [--sets PATTERN ...] [--limit N] [--data FOLDER]
        [--tokenizer FOLDER] [--activations 8] [--threads N] [--json FILE]
        [--answers FOLDER [--scorer OPENCOMPASS]]

The peer is the model in `transformers`, dequantized to float32 by its `gguf_file=`. It reads the prompts of
`RUN_FOLDER/predictions/MODEL/*.json` and knows nothing else of the crate:

- perplexity and log-likelihood sets: the peer computes the same numbers for every label. Reported are the largest and
  the mean difference, the share of items with the same winner, and both accuracies. Token counts are compared as well,
  as they follow from the stored PPL and BPB. transformers does not read `tokenizer.ggml.pre` of a GGUF file and cuts
  some texts with digits otherwise than the original tokenizer; where counts differ, give the original as `--tokenizer`,
  or the one that `internlm-model convert` writes. `winogrande-ll` needs `--data`, the folder with
  `winogrande/validation.jsonl`, as predictions do not say where the continuation begins.
- generation sets (messages or text, greedy): the peer gets the same chat in the template of the GGUF file. Reported are
  the share of equal first tokens, and the share of tokens in the run's answers that are also the most likely ones for
  the peer after the same beginning.
- `--answers FOLDER`: the peer also writes whole answers, greedily and with the same limit. FOLDER becomes a copy of the
  run with these answers in its store, which `opencompass FOLDER/configs/run.toml -m eval --set run.folder=FOLDER` scores
  without any model; with `--scorer` this happens here, and the accuracies of both are printed.

On quantized weights turbomind rounds the inputs of every matrix to 8 bits, which moves close decisions.
`--activations 8` does the same in the peer, to show the size of this effect. Without it, compare a run on the same
weights as floats: `internlm-model convert MODEL.gguf --to hf-llama --out FOLDER`, and FOLDER as the run's
`model.weights`. The peer still reads MODEL.gguf.

Every share has its Wilson interval of 95 %. Needs torch, transformers and gguf. It is outside the product: nothing
depends on it, and no test runs it.
"""

import argparse
import fnmatch
import hashlib
import inspect
import json
import math
import pathlib
import shutil
import subprocess
import sys
import time
import tomllib

import torch
import transformers

ROLES = {"SYSTEM": "system", "HUMAN": "user", "BOT": "assistant"}
# The largest limit of an answer that is tried when the limit of a set is looked for.
LONGEST = 32768
# Answers that the peer generates at a time.
BATCH = 50


def wilson(correct, count):
    """Wilson's 95 % interval in percent."""
    if count == 0:
        return (0.0, 100.0)
    z = 1.959963984540054
    share = correct / count
    center = share + z * z / (2 * count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    scale = 100 / (1 + z * z / count)
    return ((center - half) * scale, (center + half) * scale)


def share(correct, count):
    low, high = wilson(correct, count)
    return {"percent": 100 * correct / max(count, 1), "of": count, "low": low, "high": high}


def shown(value):
    if isinstance(value, dict):
        return f"{value['percent']:.2f} % [{value['low']:.2f}, {value['high']:.2f}] of {value['of']}"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def rounded(_, inputs):
    """Rounds the inputs of a matrix to 8-bit blocks of 32, the rule of turbomind's panels."""
    blocks = inputs[0].unflatten(-1, (-1, 32))
    scale = blocks.abs().amax(-1, keepdim=True) / 127
    return ((blocks / scale).nan_to_num().round() * scale).flatten(-2)


class Peer:
    """The model in PyTorch."""

    def __init__(self, path, tokenizer, bits):
        place = {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name}
        own = {"pretrained_model_name_or_path": str(tokenizer)} if tokenizer else place
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(**own)
        self.model = transformers.AutoModelForCausalLM.from_pretrained(**place, dtype=torch.float32).eval()
        if bits == 8:
            for module in self.model.modules():
                if isinstance(module, torch.nn.Linear):
                    module.register_forward_pre_hook(rounded)
        # Newer versions call the argument `cache`.
        names = inspect.signature(self.model.forward).parameters
        self.cache = next(name for name in ("cache", "past_key_values") if name in names)
        ends = [self.tokenizer.eos_token_id, self.tokenizer.convert_tokens_to_ids("<|im_end|>")]
        self.ends = {end for end in ends if isinstance(end, int)}

    def ids(self, text):
        """The ids of a prompt, `<s>` included where the vocabulary has it."""
        return self.tokenizer(text)["input_ids"]

    def words(self, text):
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]

    def prompt(self, origin):
        if isinstance(origin, str):
            return self.ids(origin)
        messages = [{"role": ROLES[turn["role"]], "content": turn["prompt"]} for turn in origin]
        text = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return self.words(text)

    def log_probs(self, prompts):
        """The log-probability of every id but the first, for prompts whose common beginning is computed once."""
        common = 0
        while all(common < len(ids) - 1 for ids in prompts) and len({ids[common] for ids in prompts}) == 1:
            common += 1
        if len(prompts) == 1 or common == 0:
            return [self.gathered(self.logits(ids)[:-1], ids[1:]) for ids in prompts]
        cache = transformers.DynamicCache()
        logits = self.logits(prompts[0][:common], cache)
        first = self.gathered(logits[:-1], prompts[0][1:common])
        found = []
        for ids in prompts:
            bridge = self.gathered(logits[-1:], ids[common : common + 1])
            own = self.logits(ids[common:], cache)
            cache.crop(common - len(ids))
            found.append(first + bridge + self.gathered(own[:-1], ids[common + 1 :]))
        return found

    def logits(self, ids, cache=None):
        """One row per id, which the cache learns."""
        return self.model(torch.tensor([ids]), use_cache=cache is not None, **{self.cache: cache}).logits[0]

    @staticmethod
    def gathered(logits, ids):
        if not ids:
            return []
        places = torch.tensor(ids).unsqueeze(1)
        return (logits.gather(1, places).squeeze(1) - logits.logsumexp(1)).double().tolist()

    def best_after(self, prompt, answer):
        """The most likely id before every id of an answer, and after the last one."""
        return self.logits(prompt + answer)[len(prompt) - 1 :].argmax(1).tolist()

    def generate(self, prompts, limit):
        """Greedy answers to a batch of prompts, each with whether the limit ended it."""
        longest = max(map(len, prompts))
        # Padding on the left, which the mask hides; positions count from the first real id.
        ids = torch.tensor([[0] * (longest - len(prompt)) + prompt for prompt in prompts])
        mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts])
        places = (mask.cumsum(1) - 1).clamp(min=0)
        cache, answers, open_rows = transformers.DynamicCache(), [[] for _ in prompts], list(range(len(prompts)))
        for _ in range(limit):
            logits = self.model(ids, attention_mask=mask, position_ids=places, use_cache=True, logits_to_keep=1,
                                **{self.cache: cache}).logits[:, -1]
            best = logits.argmax(1).tolist()
            kept = [place for place, token in enumerate(best) if token not in self.ends]
            if len(kept) < len(best):
                # What has ended leaves the batch.
                open_rows, best = [open_rows[place] for place in kept], [best[place] for place in kept]
                cache.batch_select_indices(torch.tensor(kept, dtype=torch.long))
                mask, places = mask[kept], places[kept]
            if not open_rows:
                break
            for row, token in zip(open_rows, best):
                answers[row].append(token)
            ids = torch.tensor(best).unsqueeze(1)
            mask = torch.cat([mask, torch.ones_like(ids)], 1)
            places = places[:, -1:] + 1
        decoded = self.tokenizer.batch_decode(answers, skip_special_tokens=True)
        return [(text, row in open_rows) for row, text in enumerate(decoded)]


def labels_of(record):
    return {name.removeprefix("label: "): entry for name, entry in record.items() if name.startswith("label: ")}


def winner(values, highest):
    """The first label with the best value."""
    best = (max if highest else min)(values.values())
    return next(label for label, value in values.items() if value == best)


def labelled(peer, items, continuation):
    """Compares the numbers of all labels and the winners. `continuation` is None for perplexities."""
    name = "PPL" if continuation is None else "Loglikelihood"
    same, ours_right, peer_right, counted, gaps = 0, 0, 0, 0, []
    for record in items:
        labels = labels_of(record)
        prompts = [peer.ids(entry["prompt"]) for entry in labels.values()]
        values = {}
        for (label, entry), ids, scores in zip(labels.items(), prompts, peer.log_probs(prompts)):
            if continuation is None:
                values[label] = -sum(scores) / len(ids)
                # BPB = PPL x tokens / bytes of the prompt without examples.
                size = len(entry["testing input"].encode())
                counted += round(entry["BPB"] * size / entry["PPL"]) == len(ids)
            else:
                before = peer.ids(entry["prompt"].replace(continuation(labels), ""))
                values[label] = sum(scores[max(len(before), 1) - 1 :])
            gaps.append(abs(values[label] - entry[name]))
        best, gold = winner(values, continuation is not None), str(record["gold"])
        same += best == record["prediction"]
        ours_right += str(record["prediction"]) == gold
        peer_right += best == gold
    count = len(items)
    report = {
        "items": count,
        "largest difference": max(gaps),
        "mean difference": sum(gaps) / len(gaps),
        "same winner": share(same, count),
        "accuracy of the run": share(ours_right, count),
        "accuracy of the peer": share(peer_right, count),
    }
    if continuation is None:
        report["equal token counts"] = share(counted, len(gaps))
    return report


def generated(peer, items):
    """Compares answers token by token after the same beginning."""
    first, same, tokens = 0, 0, 0
    for record in items:
        answer = peer.words(record["prediction"])
        best = peer.best_after(peer.prompt(record["origin_prompt"]), answer)
        # Behind an answer that ended by itself the peer should end, too.
        ended = record.get("finish_reason") != "length"
        hits = [found == own for found, own in zip(best, answer)] + [best[-1] in peer.ends] * ended
        first += hits[0] if hits else 0
        same += sum(hits)
        tokens += len(hits)
    return {
        "items": len(items),
        "equal first tokens": share(first, len(items)),
        "same most likely token": share(same, tokens),
    }


def request_key(identity, record, limit, seed):
    """The key of an answer in the store: the hash of the model's identity and the request."""
    sampling = {"max_tokens": limit, "temperature": 0.0, "stop": [], "seed": seed}
    origin = record["origin_prompt"]
    if isinstance(origin, str):
        request = {"kind": "complete", "prompt": origin, "sampling": sampling}
    else:
        messages = [{"role": ROLES[turn["role"]], "content": turn["prompt"]} for turn in origin]
        request = {"kind": "chat", "messages": messages, "tools": [], "sampling": sampling}
    text = json.dumps([identity, request], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class Answers:
    """A copy of the run in which the peer's answers take the place of the model's."""

    def __init__(self, run, folder, model):
        self.run, self.folder, self.model = run, folder, model
        folder.mkdir(parents=True)
        shutil.copytree(run / "configs", folder / "configs")
        profiles = json.loads((run / "configs/profiles.json").read_text())
        self.identity = profiles[model]["identity"]
        config = tomllib.loads((run / "configs/run.toml").read_text())
        self.seed = find(config, "seed")
        lines = (run / "store.jsonl").read_text().splitlines()
        self.store = {row["key"]: row["answer"] for row in map(json.loads, lines)}

    def limit(self, record):
        """The limit of a set's answers, 0 for none: the one whose key the store has. None where no key fits."""
        limits = (limit for limit in range(LONGEST) if self.key(record, limit) in self.store)
        return next(limits, None)

    def key(self, record, limit):
        return request_key(self.identity, record, limit or None, self.seed)

    def put(self, peer, items):
        """Puts the peer's answers into the store and returns the share that equals the run's."""
        limit = self.limit(items[0])
        if limit is None:
            return "left out, as stop words and sampling are not supported"
        equal = 0
        for first in range(0, len(items), BATCH):
            batch = items[first : first + BATCH]
            prompts = [peer.prompt(record["origin_prompt"]) for record in batch]
            for record, (text, cut) in zip(batch, peer.generate(prompts, limit or LONGEST)):
                self.store[self.key(record, limit)] = {"kind": "reply", "text": text} | ({"cut": True} if cut else {})
                equal += text.strip() == record["prediction"].strip()
        return share(equal, len(items))

    def write(self):
        rows = [json.dumps({"key": key, "answer": answer}, ensure_ascii=False) for key, answer in self.store.items()]
        (self.folder / "store.jsonl").write_text("\n".join(rows) + "\n")

    def scored(self, scorer, sets):
        """Scores the peer's answers with the crate; metrics per set as (run, peer)."""
        run_file, settings = self.folder / "configs/run.toml", ["--set", f"run.folder={self.folder.resolve()}"]
        subprocess.run([scorer, run_file, "-m", "eval", *settings], check=True, stdout=subprocess.DEVNULL)
        found = {}
        for name in sets:
            paths = [folder / f"results/{self.model}/{name}.json" for folder in (self.run, self.folder)]
            pair = [json.loads(path.read_text()) for path in paths]
            numbers = [key for key, value in pair[0].items() if isinstance(value, float)]
            found[name] = {key: (pair[0][key], pair[1].get(key)) for key in numbers}
        return found


def find(table, name):
    """The first value of a key in nested tables."""
    if name in table:
        return table[name]
    for value in table.values():
        found = find(value, name) if isinstance(value, dict) else None
        if found is not None:
            return found
    return None


def winogrande(folder):
    """Labels -> what follows the gap of their sentence."""
    rows = [json.loads(line) for line in (folder / "winogrande/validation.jsonl").read_text().splitlines()]
    known = {}
    for row in rows:
        before, after = row["sentence"].split("_")
        known[before + row["option1"] + after] = after
    return lambda labels: known[labels["1"]["prompt"]]


def compare(peer, path, arguments, answers):
    """The report of one set; None for a set of another kind."""
    name, records = path.stem, list(json.loads(path.read_text()).values())
    items = [record for record in records if "error" not in record][: arguments.limit]
    if not items:
        return None
    if "origin_prompt" in items[0]:
        report = generated(peer, items)
        if answers:
            report["equal whole answers"] = answers.put(peer, items)
        return report
    labels = labels_of(items[0])
    if any("PPL" in entry for entry in labels.values()):
        return labelled(peer, items, None)
    if any("Loglikelihood" in entry for entry in labels.values()):
        if not name.startswith("winogrande") or arguments.data is None:
            return None
        return labelled(peer, items, winogrande(arguments.data))
    return None


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", type=pathlib.Path, help="GGUF file of the run's model")
    parser.add_argument("run", type=pathlib.Path, help="folder of the run, with predictions/ and store.jsonl")
    parser.add_argument("--model", help="name of the model in the run; default: the only one")
    parser.add_argument("--sets", nargs="+", default=["*"], help="names or patterns of sets; default: all")
    parser.add_argument("--limit", type=int, help="number of items of each set; default: all")
    parser.add_argument("--data", type=pathlib.Path, help="folder of data files, for winogrande-ll")
    parser.add_argument("--tokenizer", type=pathlib.Path, help="folder of a tokenizer; default: the GGUF file's")
    parser.add_argument("--activations", type=int, choices=[8, 32], default=32, help="bits of the peer's activations")
    parser.add_argument("--threads", type=int, default=1, help="threads of PyTorch; default: 1")
    parser.add_argument("--json", type=pathlib.Path, help="file for all numbers")
    parser.add_argument("--answers", type=pathlib.Path, help="new folder: the run with the peer's answers")
    parser.add_argument("--scorer", help="opencompass binary that scores --answers")
    arguments = parser.parse_args()
    if arguments.scorer and not arguments.answers:
        parser.error("--scorer needs --answers")
    return arguments


def main():
    arguments = read_arguments()
    torch.set_num_threads(arguments.threads)
    torch.set_grad_enabled(False)
    transformers.logging.disable_progress_bar()
    folders = sorted(path for path in (arguments.run / "predictions").iterdir() if path.is_dir())
    names = [path.name for path in folders]
    if arguments.model is None and len(names) != 1:
        sys.exit(f"--model: expected one of {', '.join(names)}")
    model = arguments.model or names[0]
    answers = Answers(arguments.run, arguments.answers, model) if arguments.answers else None
    peer, reports = Peer(arguments.weights, arguments.tokenizer, arguments.activations), {}
    for path in sorted((arguments.run / "predictions" / model).glob("*.json")):
        if not any(fnmatch.fnmatch(path.stem, pattern) for pattern in arguments.sets):
            continue
        started = time.perf_counter()
        report = compare(peer, path, arguments, answers)
        if report is None:
            print(f"{path.stem}: left out, it is of a kind that is not compared", flush=True)
            continue
        reports[path.stem] = report
        if answers:
            answers.write()
        lines = [f"  {name}: {shown(value)}" for name, value in report.items()]
        print("\n".join([f"{path.stem} ({time.perf_counter() - started:.0f} s)", *lines]), flush=True)
    if arguments.scorer:
        sets = [name for name, report in reports.items() if "equal whole answers" in report]
        for name, metrics in answers.scored(arguments.scorer, sets).items():
            reports[name]["scores of run and peer"] = metrics
            lines = [f"  {key}: run {ours:.2f}, peer {theirs:.2f}" for key, (ours, theirs) in metrics.items()]
            print("\n".join([name, *lines]))
    if arguments.json:
        arguments.json.write_text(json.dumps(reports, indent=1) + "\n")


if __name__ == "__main__":
    main()
