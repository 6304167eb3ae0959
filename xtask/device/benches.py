"""The stages that measure: our programs, and PyTorch's twins in the same precision on the same card."""

import contextlib
import json
import statistics
import sys
import time

from models import AWQ, write_folder

# Names of the number formats of both sides: of PyTorch's twins, of internlm-train and of lmdeploy.
F32 = ("f32", "f32-exact", "float32")
BF16 = ("bf16", "bf16", "bfloat16")
# Least that is asked for, and what is aimed at; the card's figures are those of an H100 or H200.
GOALS = {
    ("product bf16", "4096x4096x4096"): dict(floor=250, aim=550),
    ("product bf16", "8192x8192x8192"): dict(floor=250, aim=620),
    ("attention forward bf16", "8192x32x8x128"): dict(floor=150, aim=300),
    ("attention backward bf16", "8192x32x8x128"): dict(floor=100, aim=220),
    "train 1.8b": dict(floor=12000, aim=28000, ratio_floor=0.5),
    "train 7b": dict(floor=3600, aim=6500, ratio_floor=0.5),
    ("decode 7b", 1): dict(floor=90, aim=150),
    ("decode 7b", 64): dict(floor=2000, aim=5000, ratio_floor=1.0),
    ("decode 7b", 256): dict(floor=5000, aim=11000),
    ("decode 1.8b", 1): dict(floor=250, aim=500),
    ("decode 1.8b", 64): dict(floor=6000, aim=12000),
    ("decode 7b w4a16", 1): dict(floor=200, aim=380),
    "keys int8 over floats 7b": dict(floor=1.1, aim=1.25),
    "prefill 7b": dict(floor=10000, aim=20000),
    "first token 7b": dict(floor=60, aim=20, better="lower"),
    "graphs over single launches 1.8b": dict(floor=1.0, aim=1.5),
    "server over decode": dict(floor=0.75, aim=0.9),
}
NOT_BUILT = "not built"


def formats(run):
    """What is computed in: bf16 on tensor cores, f32 where the device has none."""
    return BF16 if run.device.startswith("cuda") else F32


class Training:
    """Settings of a training step, the same on both sides."""

    def __init__(self, shape, batch, seq_len, recompute, ranks, steps):
        self.shape, self.batch, self.seq_len = shape, batch, seq_len
        self.recompute, self.ranks, self.steps = recompute, ranks, steps

    def options(self):
        words = ["--shape", self.shape, "--batch", self.batch, "--seq-len", self.seq_len, "--steps", self.steps]
        return words + ["--warmup", 1, "--recompute", self.recompute, "--emulate-zero", self.ranks]

    def text(self, precision):
        """What must be said beside every figure."""
        text = f"{self.batch} x {self.seq_len}, {precision}, recompute {self.recompute}"
        if self.ranks > 1:
            text += f", updates 1/{self.ranks} as one ZeRO-1 rank and exchanges nothing"
        return text


class Sizes:
    """What is measured on a card; `tiny` is what a rehearsal measures."""

    def __init__(self, tiny):
        self.rounds, self.calls = (1, 2) if tiny else (3, 5)
        self.products = ["64x64x64"] if tiny else ["4096x4096x4096", "8192x8192x8192"]
        self.attention = ["64x4x2x16"] if tiny else ["8192x32x8x128"]
        self.train_small = Training("4m", 1, 16, "none", 1, 1) if tiny else Training("1.8b", 8, 2048, "none", 1, 4)
        self.train_large = Training("4m", 1, 16, "layers", 8, 1) if tiny else Training("7b", 4, 2048, "layers", 8, 2)
        self.large, self.small = ("4m", "4m") if tiny else ("7b", "1.8b")
        # Batch and tokens in the cache of each of its sequences.
        self.decode_large = [(1, 8), (2, 8)] if tiny else [(1, 1024), (64, 1024), (256, 512)]
        self.decode_small = [(1, 8)] if tiny else [(1, 1024), (64, 1024)]
        self.keys = (2, 8) if tiny else (256, 1024)
        self.decode_codes = [(1, 8), (20, 8)] if tiny else [(1, 1024), (64, 1024)]
        self.prefill = 16 if tiny else 8192
        self.decode_steps = 2 if tiny else 16
        # Requests at a time, words of a prompt, tokens of an answer.
        self.concurrency, self.words, self.answer = (2, 4, 3) if tiny else (64, 48, 128)


class Clock:
    """What is left of a stage's time."""

    def __init__(self, seconds):
        self.end = time.monotonic() + seconds

    def left(self):
        return max(self.end - time.monotonic(), 1)


def json_lines(run, arguments, seconds):
    """Runs a program; its exit code, and the JSON objects that it printed, one per line."""
    code, text = run.command(arguments, seconds)
    lines = []
    for line in text.splitlines():
        if line.startswith("{"):
            with contextlib.suppress(json.JSONDecodeError):  # What a timeout cut off.
                lines.append(json.loads(line))
    return code, lines


def ours(run, program, words, seconds):
    _, precision, dtype = formats(run)
    precision = ["--precision", precision] if program == "internlm-train" else ["--dtype", dtype]
    command = [run.work / "programs" / program, "bench", *words, *precision, "--json", "--device", run.device]
    return json_lines(run, command, seconds)


def twin(run, what, words, seconds):
    device = "cuda" if run.device.startswith("cuda") else "cpu"
    script = [sys.executable, run.bundle / "twins.py", what, "--device", device, "--precision", formats(run)[0]]
    return json_lines(run, [*script, *words], seconds)


def record(run, name, shape, value, unit, goal=None, **more):
    """A figure; sizes of a rehearsal have no goals."""
    goals = {} if run.tiny else GOALS.get(goal or name, {})
    run.record("bench", name=name, shape=shape, value=value, unit=unit, **goals, **more)


def kernels(run, seconds):
    """Products and attention, ours and PyTorch's interleaved."""
    sizes, clock, code = Sizes(run.tiny), Clock(seconds), 0
    words = [word for product in sizes.products for word in ("--product", product)]
    words += [word for attention in sizes.attention for word in ("--attention", attention)]
    sides = {"ours": {}, "torch": {}}
    for _ in range(sizes.rounds):
        found = {
            "ours": ours(run, "internlm-train", [*words, "--rounds", 1, "--steps", sizes.calls], clock.left()),
            "torch": twin(run, "kernels", [*words, "--steps", sizes.calls], clock.left()),
        }
        for side, (exit_code, lines) in found.items():
            code = code or exit_code
            for line in lines:
                if line["tflops"] is not None:  # Noise leaves a short call no time.
                    sides[side].setdefault((line["kernel"], line["shape"]), []).append(line["tflops"])
    for (kernel, shape), rates in sides["ours"].items():
        name = f"{kernel} {formats(run)[0]}"
        record(run, name, shape, statistics.median(rates), "TFLOP/s", goal=(name, shape))
        if theirs := sides["torch"].get((kernel, shape)):
            run.record("torch", name=name, shape=shape, value=statistics.median(theirs))
    return code


def train(run, seconds, settings):
    words = [*settings.options(), "--rounds", 1, "--pass-tokens", settings.batch * settings.seq_len]
    code, lines = ours(run, "internlm-train", words, seconds)
    for line in lines:
        peak = run.peak_flops()
        mfu = line["flops_per_second"] / peak if peak else None
        name, shape = f"train {settings.shape}", settings.text(formats(run)[0])
        record(run, name, shape, line["tokens_per_second"], "tokens/s", peak_bytes=line["peak_bytes"], mfu=mfu)
    return code if lines else code or 1


def train_small(run, seconds):
    return train(run, seconds, Sizes(run.tiny).train_small)


def train_large(run, seconds):
    return train(run, seconds, Sizes(run.tiny).train_large)


def decode_text(run, batch, context):
    return f"batch {batch}, context {context}, {formats(run)[0]}"


def generation(run, seconds, shape, batches, *more, prefill=(), quantization=None):
    """Decode steps and prompts of the executor with random weights; `more` are further options."""
    folder = run.work / "models" / (f"{shape}-codes" if quantization else shape)
    write_folder(folder, shape, quantization)
    words = ["generation", folder, "--random-weights", "--steps", Sizes(run.tiny).decode_steps, "--warmup", 2]
    words += [word for batch, context in batches for word in ("--decode", f"{batch}x{context}")]
    words += [word for tokens in prefill for word in ("--prefill", tokens)]
    return ours(run, "lmdeploy", [*words, *more], seconds)


def decode_rate(lines):
    """Tokens per second of the first batch; None when nothing was measured."""
    return next((line["tokens_per_second"] for line in lines if line["phase"] == "decode"), None)


def serve(run, seconds):
    """Decode loops and prompts of both sizes, without scheduler and HTTP."""
    sizes, clock, code = Sizes(run.tiny), Clock(seconds), 0
    for shape, batches, prefill in [
        (sizes.large, sizes.decode_large, [sizes.prefill]),
        (sizes.small, sizes.decode_small, []),
    ]:
        exit_code, lines = generation(run, clock.left(), shape, batches, "--graphs", prefill=prefill)
        code = code or exit_code
        results = [line for line in lines if line["phase"] != "load"]
        for line in results:
            name, batch, context = f"{line['phase']} {shape}", line["batch"], line["context"]
            decode = line["phase"] == "decode"
            text = decode_text(run, batch, context) if decode else f"{context} tokens, {formats(run)[0]}"
            goal = (name, batch) if decode else name
            rate, reserved = line["tokens_per_second"], line["reserved_bytes"]
            record(run, name, text, rate, "tokens/s", goal=goal, peak_bytes=reserved)
        if lines and lines[0]["phase"] == "load":
            record(run, f"first token {shape}", "random weights, no caches", lines[0]["first_token_seconds"], "s")
    recorded = decode_rate(lines)
    exit_code, lines = generation(run, clock.left(), shape, batches[:1])
    single = decode_rate(lines)
    if recorded and single:
        record(run, f"graphs over single launches {shape}", decode_text(run, *batches[0]), recorded / single, "x")
    return code or exit_code


def quantized(run, seconds):
    """Decode steps with weights of 4 bits, and with keys of 8 and 4 bits over those with keys as floats."""
    sizes, clock, shape = Sizes(run.tiny), Clock(seconds), Sizes(run.tiny).large
    code, lines = generation(run, clock.left(), shape, sizes.decode_codes, "--graphs", quantization=AWQ)
    for line in lines:
        if line["phase"] == "decode":
            # Activations have 16 bits on a card.
            name, batch = f"decode {shape} {'w4a32' if formats(run) is F32 else 'w4a16'}", line["batch"]
            text = f"{decode_text(run, batch, line['context'])}, groups of {AWQ['group_size']}"
            rate, reserved = line["tokens_per_second"], line["reserved_bytes"]
            record(run, name, text, rate, "tokens/s", goal=(name, batch), peak_bytes=reserved)
    rates = {}
    for bits in (0, 8, 4):
        exit_code, lines = generation(run, clock.left(), shape, [sizes.keys], "--graphs", "--quant-policy", bits)
        code, rates[bits] = code or exit_code, decode_rate(lines)
    text = decode_text(run, *sizes.keys)
    for bits in (8, 4):
        if rates[0] and rates[bits]:
            record(run, f"keys int{bits} over floats {shape}", text, rates[bits] / rates[0], "x")
    return code


def twins(run, seconds):
    """Training steps and a decode loop of PyTorch, with the settings of ours."""
    sizes, clock, code = Sizes(run.tiny), Clock(seconds), 0
    for settings in (sizes.train_small, sizes.train_large):
        exit_code, lines = twin(run, "train", settings.options(), clock.left())
        code = code or exit_code
        for line in lines:
            name, shape = f"train {settings.shape}", settings.text(formats(run)[0])
            run.record("torch", name=name, shape=shape, value=line["tokens_per_second"])
    batch, context = sizes.decode_large[1]
    words = ["--shape", sizes.large, "--batch", batch, "--context", context, "--steps", sizes.decode_steps]
    exit_code, lines = twin(run, "decode", words, clock.left())
    for line in lines:
        name, shape = f"decode {sizes.large}", decode_text(run, batch, context)
        run.record("torch", name=name, shape=shape, value=line["tokens_per_second"])
    return code or exit_code


def server(run, seconds):
    """The engine behind HTTP, and what its executor reaches alone with the same batch."""
    sizes, clock = Sizes(run.tiny), Clock(seconds)
    shape, batch = sizes.small, sizes.concurrency
    folder = write_folder(run.work / "models" / shape, shape)
    settings = {
        "model": {"path": str(folder), "device": run.device, "backend": "burn"},
        "engine": {
            "max-batch-size": batch,
            "max-prefill-token-num": max(512, batch),
            "cache-block-seq-len": 64,
            "cache-max-entry-count": "16MiB" if run.tiny else "10GiB",
            "dtype": formats(run)[2],
        },
        "bench": {
            "requests": 2 * batch,
            "concurrency": batch,
            "input-words": [sizes.words, sizes.words],
            "output-tokens": sizes.answer,
        },
    }
    file = run.work / "server.toml"
    file.write_text(toml(settings))
    code, text = run.command(
        [run.work / "programs" / "lmdeploy", "bench", "serving", "--config", file, "--random-weights", "--json"],
        clock.left(),
    )
    begin = text.find("{\n")
    if code != 0 or begin < 0:
        return code or 1
    found, _ = json.JSONDecoder().raw_decode(text[begin:])
    text = f"{batch} at a time, {found['prompt_tokens'] // found['requests']} + {sizes.answer} tokens, {formats(run)[0]}"
    record(run, f"server {shape}", text, found["tok_s"], "tokens/s")
    # The middle of an answer.
    context = found["prompt_tokens"] // found["requests"] + sizes.answer // 2
    code, lines = generation(run, clock.left(), shape, [(batch, context)])
    if rate := decode_rate(lines):
        record(run, "server over decode", text, found["tok_s"] / rate, "x")
    return code if found["failed"] == 0 else code or 1


def toml(tables):
    """TOML of tables of strings, numbers and lists, which TOML writes as JSON does."""
    lines = []
    for table, values in tables.items():
        lines.append(f"[{table}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"
