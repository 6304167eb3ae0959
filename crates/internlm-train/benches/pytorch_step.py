"""Whole training steps (forward, backward, clip, AdamW) of PyTorch and of ours, interleaved.

The same architecture on both sides: RMSNorm, RoPE (half-split), grouped-query attention, SwiGLU, untied head, mean
cross entropy, clip of the global norm at 1.0, AdamW (fused in neither: torch's default for-each form). PyTorch runs in
eager f32, and with --compiled a second time: torch.compile, products in bf16 by autocast. Ours computes in f32. Prints
one line per round and the medians with their ratios.

    python crates/internlm-train/benches/pytorch_step.py --binary target/release/internlm-train --rounds 5 --compiled

Needs torch, and for --compiled a C++ compiler; without --binary only PyTorch is measured. All sides use --threads
threads.
"""

import argparse
import json
import os
import statistics
import subprocess
import time

import torch
import torch.nn.functional as F
from torch import nn

SHAPES = {
    "4m": dict(hidden=256, layers=4, heads=4, kv=2, inter=1024, vocab=2048, batch=8, seq=256),
    "19m": dict(hidden=384, layers=8, heads=6, kv=2, inter=1024, vocab=8192, batch=4, seq=512),
    "135m": dict(hidden=576, layers=30, heads=9, kv=3, inter=1536, vocab=49152, batch=1, seq=512),
}


class RMSNorm(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(hidden))

    def forward(self, x):
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5))


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

    def forward(self, x, cos, sin):
        b, t, _ = x.shape
        g = self.h // self.kv
        qkv = self.wqkv(self.attention_norm(x)).view(b, t, self.kv, g + 2, self.d)
        q = qkv[..., :g, :].reshape(b, t, self.h, self.d).transpose(1, 2)
        k, v = qkv[..., g, :].transpose(1, 2), qkv[..., g + 1, :].transpose(1, 2)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        x = x + self.wo(a.transpose(1, 2).reshape(b, t, self.h * self.d))
        n = self.ffn_norm(x)
        return x + self.w2(F.silu(self.w1(n)) * self.w3(n))


class Model(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.embed = nn.Embedding(s["vocab"], s["hidden"])
        self.blocks = nn.ModuleList(Block(s) for _ in range(s["layers"]))
        self.norm, self.output = RMSNorm(s["hidden"]), nn.Linear(s["hidden"], s["vocab"], bias=False)
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=0.02)
        d = s["hidden"] // s["heads"]
        freq = 1e6 ** (-torch.arange(0, d, 2).float() / d)
        angles = torch.outer(torch.arange(s["seq"]).float(), freq)
        angles = torch.cat((angles, angles), dim=-1)
        self.cos, self.sin = angles.cos(), angles.sin()

    def forward(self, ids):
        x = self.embed(ids)
        for block in self.blocks:
            x = block(x, self.cos, self.sin)
        return self.output(self.norm(x))


class Torch:
    def __init__(self, s, compiled):
        torch.manual_seed(0)
        self.s, self.model, self.compiled = s, Model(s), compiled
        self.forward = torch.compile(self.loss) if compiled else self.loss
        matrices = [p for p in self.model.parameters() if p.dim() > 1]
        vectors = [p for p in self.model.parameters() if p.dim() == 1]
        groups = [dict(params=matrices, weight_decay=0.1), dict(params=vectors, weight_decay=0.0)]
        self.optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.95), eps=1e-8)
        data = torch.randint(0, s["vocab"], (s["batch"], s["seq"] + 1))
        self.ids, self.labels = data[:, :-1].contiguous(), data[:, 1:].contiguous()

    def loss(self):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.compiled):
            logits = self.model(self.ids)
        return F.cross_entropy(logits.float().view(-1, self.s["vocab"]), self.labels.view(-1))

    def step(self):
        start = time.perf_counter()
        self.forward().backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return time.perf_counter() - start


def ours(binary, shape, steps, threads):
    command = [binary, "bench", "--json", "--shape", shape, "--rounds", "1", "--steps", str(steps)]
    out = subprocess.run(command, check=True, capture_output=True, env=dict(os.environ, RAYON_NUM_THREADS=str(threads)))
    return json.loads(out.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", help="path of internlm-train")
    parser.add_argument("--compiled", action="store_true", help="measure PyTorch compiled and in bf16, too")
    parser.add_argument("--shape", action="append", choices=list(SHAPES), help="default 4m")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4, help="measured steps per round and side")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for name in arguments.shape or ["4m"]:
        shape = SHAPES[name]
        tokens = shape["batch"] * shape["seq"]
        peers = {"torch": Torch(shape, compiled=False)}
        if arguments.compiled:
            peers["compiled_bf16"] = Torch(shape, compiled=True)
        for peer in peers.values():
            peer.step()
            peer.step()
        rates = {side: [] for side in [*peers, "ours"]}
        for _ in range(arguments.rounds):
            for side, peer in peers.items():
                rates[side].append(tokens / statistics.median(peer.step() for _ in range(arguments.steps)))
            if arguments.binary:
                result = ours(arguments.binary, name, arguments.steps, arguments.threads)
                rates["ours"].append(result["tokens_per_second"])
            print(name, {side: round(values[-1]) for side, values in rates.items() if values}, flush=True)
        medians = {side: statistics.median(values) for side, values in rates.items() if values}
        report = {"shape": name, **{f"{side}_tokens_per_second": round(value) for side, value in medians.items()}}
        if "ours" in medians:
            for side in peers:
                report[f"ratio_to_{side}"] = round(medians["ours"] / medians[side], 3)
        print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
