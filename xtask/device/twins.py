"""PyTorch's side of the measurements: the same kernels, training steps and decode loops, on the same card.

    python twins.py kernels --device cuda --product 4096x4096x4096 --attention 8192x32x8x128
    python twins.py train --device cuda --shape 1.8b --batch 2 --seq-len 2048
    python twins.py decode --device cuda --shape 7b --batch 64 --context 1024

Prints one JSON object per line, with the names of our own benchmarks. Precision f32 is exact f32, without TF32; bf16 is
autocast for training and bf16 weights elsewhere.
"""

import argparse
import json
import statistics
import time

import torch
import torch.nn.functional as F
from models import SHAPES
from torch import nn
from torch.utils.checkpoint import checkpoint

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}


def seconds_of(work, device, warmup, repeats):
    """Seconds of each call, after `warmup` that do not count."""
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    times = []
    for _ in range(warmup + repeats):
        wait()
        start = time.perf_counter()
        work()
        wait()
        times.append(time.perf_counter() - start)
    return times[warmup:]


def report(**values):
    print(json.dumps(values), flush=True)


def kernel(name, shape, times, flops):
    typical = statistics.median(times)
    # Noise may leave a backward pass no time.
    report(kernel=name, shape=shape, seconds=times, tflops=flops / typical / 1e12 if typical > 0 else None)


def attend(q, k, v):
    """Causal attention of grouped heads; keys are repeated where no kernel takes groups."""
    if q.dtype != torch.float32:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
    group = q.shape[1] // k.shape[1]
    k, v = (x.repeat_interleave(group, dim=1) for x in (k, v))
    return F.scaled_dot_product_attention(q, k, v, is_causal=True)


def kernels(arguments, device):
    dtype = DTYPES[arguments.precision]
    for text in arguments.product:
        rows, outputs, inputs = (int(word) for word in text.split("x"))
        x, w = (torch.randn(count, inputs, device=device, dtype=dtype) for count in (rows, outputs))
        times = seconds_of(lambda: F.linear(x, w), device, 2, arguments.steps)
        kernel("product", text, times, 2 * rows * outputs * inputs)
    for text in arguments.attention:
        tokens, heads, kv, width = (int(word) for word in text.split("x"))
        q, k, v = (torch.randn(1, count, tokens, width, device=device, dtype=dtype) for count in (heads, kv, kv))
        with torch.no_grad():
            forward = seconds_of(lambda: attend(q, k, v), device, 2, arguments.steps)
        for x in (q, k, v):
            x.requires_grad_()
        both = seconds_of(lambda: attend(q, k, v).sum().backward(), device, 2, arguments.steps)
        first = statistics.median(forward)
        flops = 2 * heads * width * tokens * (tokens + 1)
        kernel("attention forward", text, forward, flops)
        # Five products to two of the forward pass, as FlashAttention counts.
        kernel("attention backward", text, [t - first for t in both], 2.5 * flops)


class RMSNorm(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(hidden))

    def forward(self, x):
        return F.rms_norm(x, self.weight.shape, self.weight.to(x.dtype), 1e-5)


def rotate(x, cos, sin):
    half = x.shape[-1] // 2
    return x * cos + torch.cat((-x[..., half:], x[..., :half]), dim=-1) * sin


class Block(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.h, self.kv, self.d = s["heads"], s["kv"], s["hidden"] // s["heads"]
        linear = lambda i, o: nn.Linear(i, o, bias=False)
        self.wqkv = linear(s["hidden"], (self.h + 2 * self.kv) * self.d)
        self.wo = linear(self.h * self.d, s["hidden"])
        self.w1, self.w3 = linear(s["hidden"], s["inter"]), linear(s["hidden"], s["inter"])
        self.w2 = linear(s["inter"], s["hidden"])
        self.attention_norm, self.ffn_norm = RMSNorm(s["hidden"]), RMSNorm(s["hidden"])

    def project(self, x, cos, sin):
        """Rotated queries and keys, and values, `[B, heads, T, d]`."""
        b, t, _ = x.shape
        g = self.h // self.kv
        qkv = self.wqkv(self.attention_norm(x)).view(b, t, self.kv, g + 2, self.d)
        q = qkv[..., :g, :].reshape(b, t, self.h, self.d).transpose(1, 2)
        k, v = qkv[..., g, :].transpose(1, 2), qkv[..., g + 1, :].transpose(1, 2)
        cos, sin = cos.to(q.dtype), sin.to(q.dtype)
        return rotate(q, cos, sin), rotate(k, cos, sin), v

    def finish(self, x, attended):
        """The output of attention `[B, T, h d]` back to the residual stream, and the feed-forward network."""
        x = x + self.wo(attended)
        n = self.ffn_norm(x)
        return x + self.w2(F.silu(self.w1(n)) * self.w3(n))

    def forward(self, x, cos, sin):
        b, t, _ = x.shape
        attended = attend(*self.project(x, cos, sin))
        return self.finish(x, attended.transpose(1, 2).reshape(b, t, self.h * self.d))

    def decode(self, x, cos, sin, cache, position):
        """One token per sequence at `position`; the heads of a group are the rows of one attention."""
        b = x.shape[0]
        q, k, v = self.project(x, cos, sin)
        cache[0][:, :, position], cache[1][:, :, position] = k[:, :, 0], v[:, :, 0]
        keys, values = (half[:, :, : position + 1] for half in cache)
        q = q.view(b, self.kv, self.h // self.kv, self.d)
        attended = F.scaled_dot_product_attention(q, keys, values)
        return self.finish(x, attended.reshape(b, 1, self.h * self.d))


class Model(nn.Module):
    def __init__(self, s, tokens):
        super().__init__()
        self.embed = nn.Embedding(s["vocab"], s["hidden"])
        self.blocks = nn.ModuleList(Block(s) for _ in range(s["layers"]))
        self.norm, self.output = RMSNorm(s["hidden"]), nn.Linear(s["hidden"], s["vocab"], bias=False)
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=0.02)
        d = s["hidden"] // s["heads"]
        angles = torch.outer(torch.arange(tokens).float(), 1e6 ** (-torch.arange(0, d, 2).float() / d))
        angles = torch.cat((angles, angles), dim=-1)
        self.cos, self.sin = angles.cos(), angles.sin()

    def forward(self, ids, recompute):
        x = self.embed(ids)
        for block in self.blocks:
            if recompute == "layers":
                x = checkpoint(block, x, self.cos, self.sin, use_reentrant=False)
            else:
                x = block(x, self.cos, self.sin)
        return self.output(self.norm(x))


def first_share(parameters, ranks):
    """What the first of `ranks` ranks of ZeRO-1 updates, as `internlm-train bench --emulate-zero`."""
    total, before, share = sum(p.numel() for p in parameters), 0, []
    for p in parameters:
        if before * ranks < total:
            share.append(p)
        before += p.numel()
    return share


def train(arguments, device):
    s = SHAPES[arguments.shape]
    with torch.device(device):
        model = Model(s, arguments.seq_len)
        data = torch.randint(0, s["vocab"], (arguments.batch, arguments.seq_len + 1))
    ids, labels = data[:, :-1].contiguous(), data[:, 1:].contiguous()
    own = first_share(list(model.parameters()), arguments.emulate_zero)
    groups = [
        dict(params=[p for p in own if p.dim() > 1], weight_decay=0.1),
        dict(params=[p for p in own if p.dim() == 1], weight_decay=0.0),
    ]
    optimizer = torch.optim.AdamW(groups, lr=1e-4, betas=(0.9, 0.95), eps=1e-8, fused=True)

    def step():
        with torch.autocast(device.type, torch.bfloat16, enabled=arguments.precision == "bf16"):
            logits = model(ids, arguments.recompute)
        loss = F.cross_entropy(logits.float().view(-1, s["vocab"]), labels.view(-1))
        loss.backward()
        nn.utils.clip_grad_norm_(own, 1.0)
        optimizer.step()
        model.zero_grad(set_to_none=True)
        return loss.item()

    times = seconds_of(step, device, arguments.warmup, arguments.steps)
    tokens = arguments.batch * arguments.seq_len
    report(shape=arguments.shape, seconds=times, tokens_per_second=tokens / statistics.median(times))


@torch.no_grad()
def decode(arguments, device):
    s, batch = SHAPES[arguments.shape], arguments.batch
    dtype, length = DTYPES[arguments.precision], arguments.context + arguments.warmup + arguments.steps
    with torch.device(device):
        model = Model(s, length).to(dtype)
        cache = torch.zeros(s["layers"], 2, batch, s["kv"], length, s["hidden"] // s["heads"], dtype=dtype)
        ids = torch.zeros(batch, 1, dtype=torch.long)
    position = arguments.context

    def step():
        nonlocal ids, position
        cos, sin = model.cos[position : position + 1], model.sin[position : position + 1]
        x = model.embed(ids)
        for block, halves in zip(model.blocks, cache):
            x = block.decode(x, cos, sin, halves, position)
        ids = model.output(model.norm(x)).argmax(-1)
        position += 1
        return ids.cpu()

    times = seconds_of(step, device, arguments.warmup, arguments.steps)
    report(phase="decode", batch=batch, context=arguments.context, seconds=times,
           tokens_per_second=batch / statistics.median(times))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["kernels", "train", "decode"])
    parser.add_argument("--device", default="cuda", help="device as PyTorch names it")
    parser.add_argument("--precision", choices=list(DTYPES), default="f32")
    parser.add_argument("--product", action="append", default=[], metavar="ROWSxOUTPUTSxINPUTS")
    parser.add_argument("--attention", action="append", default=[], metavar="TOKENSxHEADSxKV_HEADSxWIDTH")
    parser.add_argument("--shape", choices=list(SHAPES), default="1.8b")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--seq-len", type=int, default=2048)
    parser.add_argument("--context", type=int, default=1024)
    parser.add_argument("--recompute", choices=["none", "layers"], default="none")
    parser.add_argument("--emulate-zero", type=int, default=1, metavar="RANKS")
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--steps", type=int, default=5)
    arguments = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.manual_seed(0)
    {"kernels": kernels, "train": train, "decode": decode}[arguments.what](arguments, torch.device(arguments.device))


if __name__ == "__main__":
    main()
