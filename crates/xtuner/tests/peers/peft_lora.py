"""PEFT next to xtuner: the same adapters trained from the same start on the same data, and adapters of one read by the other.

    python peft_lora.py golden ../golden/peft     # writes what tests/it/peft.rs compares with
    python peft_lora.py check BASE ADAPTER MERGED # an adapter of xtuner in PEFT against `xtuner convert merge`

Needs torch, peft, safetensors. The model is InternLM2 in a few lines, with the names of its checkpoint.
"""

import json
import math
import shutil
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from torch import nn

HIDDEN, LAYERS, HEADS, KV, INTER, VOCAB = 32, 2, 2, 1, 48, 64
HEAD = HIDDEN // HEADS
THETA, EPS = 10000.0, 1e-5
STEPS, ROWS, TOKENS, RATE = 50, 2, 24, 1e-2
CONFIG = {
    "architectures": ["InternLM2ForCausalLM"],
    "model_type": "internlm2",
    "hidden_size": HIDDEN,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "num_key_value_heads": KV,
    "intermediate_size": INTER,
    "vocab_size": VOCAB,
    "max_position_embeddings": 128,
    "rms_norm_eps": EPS,
    "rope_theta": THETA,
    "rope_scaling": None,
    "tie_word_embeddings": False,
    "hidden_act": "silu",
    "torch_dtype": "float32",
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 2,
    "bias": True,
}
# One case per kind of adapter: the arguments of PEFT's LoraConfig.
ALL = ["wqkv", "wo", "w1", "w2", "w3"]
CASES = {
    "lora": dict(r=4, lora_alpha=8, target_modules=ALL),
    "rslora": dict(
        r=4,
        lora_alpha=6,
        target_modules=ALL,
        use_rslora=True,
        rank_pattern={"feed_forward.w[12]": 2},
        alpha_pattern={r"layers\.1\..*wo": 3},
        bias="lora_only",
        modules_to_save=["tok_embeddings", "output"],
    ),
    "dora": dict(r=4, lora_alpha=8, target_modules=ALL, use_dora=True),
}
# Ids whose logits are compared.
PROBE = torch.arange(3, 15)[None] * 7 % VOCAB
LLAMA = {
    "attention.wo": "self_attn.o_proj",
    "feed_forward.w1": "mlp.gate_proj",
    "feed_forward.w2": "mlp.down_proj",
    "feed_forward.w3": "mlp.up_proj",
    "attention_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "tok_embeddings": "embed_tokens",
}


class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(HIDDEN))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPS) * self.weight


def rotate(x):
    """x [B, heads, T, d]: row i turns with row i + d / 2."""
    angles = torch.arange(x.shape[2], dtype=x.dtype)[:, None] * THETA ** (
        -torch.arange(0, HEAD, 2, dtype=x.dtype) / HEAD
    )
    cos, sin = (f(torch.cat([angles, angles], -1)) for f in (torch.cos, torch.sin))
    half = torch.cat([-x[..., HEAD // 2 :], x[..., : HEAD // 2]], -1)
    return x * cos + half * sin


class Attention(nn.Module):
    """`layout` says whether q, k and v are fused by kv head, as in InternLM2, or separate, as in LLaMA."""

    def __init__(self, layout):
        super().__init__()
        self.layout = layout
        if layout == "internlm2":
            self.wqkv = nn.Linear(HIDDEN, (HEADS + 2 * KV) * HEAD)
            self.wo = nn.Linear(HIDDEN, HIDDEN)
        else:
            self.q_proj = nn.Linear(HIDDEN, HEADS * HEAD)
            self.k_proj = nn.Linear(HIDDEN, KV * HEAD)
            self.v_proj = nn.Linear(HIDDEN, KV * HEAD)
            self.o_proj = nn.Linear(HIDDEN, HIDDEN)

    def forward(self, x):
        batch, length, _ = x.shape
        if self.layout == "internlm2":
            packed = self.wqkv(x).view(batch, length, KV, HEADS // KV + 2, HEAD)
            q = packed[..., :-2, :].reshape(batch, length, HEADS, HEAD)
            k, v = packed[..., -2, :], packed[..., -1, :]
        else:
            q = self.q_proj(x).view(batch, length, HEADS, HEAD)
            k, v = (p(x).view(batch, length, KV, HEAD) for p in (self.k_proj, self.v_proj))
        q, k, v = (t.transpose(1, 2) for t in (q, k, v))
        q, k = rotate(q), rotate(k)
        k, v = (t.repeat_interleave(HEADS // KV, 1) for t in (k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        y = y.transpose(1, 2).reshape(batch, length, HIDDEN)
        return self.wo(y) if self.layout == "internlm2" else self.o_proj(y)


class FeedForward(nn.Module):
    def __init__(self, names):
        super().__init__()
        self.names = names
        for name, (inputs, outputs) in zip(names, [(HIDDEN, INTER), (INTER, HIDDEN), (HIDDEN, INTER)]):
            setattr(self, name, nn.Linear(inputs, outputs, bias=False))

    def forward(self, x):
        gate, down, up = (getattr(self, name) for name in self.names)
        return down(F.silu(gate(x)) * up(x))


class Block(nn.Module):
    def __init__(self, layout):
        super().__init__()
        self.layout = layout
        if layout == "internlm2":
            self.attention, self.feed_forward = Attention(layout), FeedForward(["w1", "w2", "w3"])
            self.attention_norm, self.ffn_norm = Norm(), Norm()
        else:
            self.self_attn = Attention(layout)
            self.mlp = FeedForward(["gate_proj", "down_proj", "up_proj"])
            self.input_layernorm, self.post_attention_layernorm = Norm(), Norm()

    def forward(self, h):
        if self.layout == "internlm2":
            h = h + self.attention(self.attention_norm(h))
            return h + self.feed_forward(self.ffn_norm(h))
        h = h + self.self_attn(self.input_layernorm(h))
        return h + self.mlp(self.post_attention_layernorm(h))


class Trunk(nn.Module):
    def __init__(self, layout):
        super().__init__()
        name = "tok_embeddings" if layout == "internlm2" else "embed_tokens"
        self.embedding_name = name
        setattr(self, name, nn.Embedding(VOCAB, HIDDEN))
        self.layers = nn.ModuleList(Block(layout) for _ in range(LAYERS))
        self.norm = Norm()

    def forward(self, ids):
        h = getattr(self, self.embedding_name)(ids)
        for block in self.layers:
            h = block(h)
        return self.norm(h)


class Model(nn.Module):
    def __init__(self, layout="internlm2"):
        super().__init__()
        self.layout = layout
        self.model = Trunk(layout)
        setattr(self, "output" if layout == "internlm2" else "lm_head", nn.Linear(HIDDEN, VOCAB, bias=False))

    def prepare_inputs_for_generation(self, *_args, **_kwargs):
        raise NotImplementedError

    def forward(self, ids):
        h = self.model(ids)
        return (self.output if self.layout == "internlm2" else self.lm_head)(h)


def base():
    torch.manual_seed(1)
    model = Model()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" not in name:
                parameter.normal_(0.0, 0.1)
    return model


def separate(state):
    """The tensors of a LLaMA model with the effect of an InternLM2 one."""
    out = {}
    for name, value in state.items():
        if ".wqkv." in name:
            rows = value.reshape(KV, HEADS // KV + 2, HEAD, -1)
            parts = {"q_proj": rows[:, :-2], "k_proj": rows[:, -2:-1], "v_proj": rows[:, -1:]}
            for part, rows in parts.items():
                shape = (-1, value.shape[1]) if value.dim() == 2 else (-1,)
                out[name.replace("attention.wqkv", f"self_attn.{part}")] = rows.reshape(shape).contiguous()
            continue
        for ours, theirs in LLAMA.items():
            name = name.replace(ours, theirs)
        out["lm_head.weight" if name == "output.weight" else name] = value
    return out


def batches(seed=2):
    """Counting sequences with noise: something that can be learned."""
    generator = torch.Generator().manual_seed(seed)
    first = torch.randint(3, VOCAB, (STEPS, ROWS, 1), generator=generator)
    noise = torch.randint(0, 3, (STEPS, ROWS, TOKENS), generator=generator)
    return 3 + (first + 5 * torch.arange(TOKENS) + noise) % (VOCAB - 3)


def loss_of(model, ids):
    logits = model(ids)[:, :-1]
    return F.cross_entropy(logits.reshape(-1, VOCAB), ids[:, 1:].reshape(-1))


def train(model, data):
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=RATE, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.0)
    losses = []
    for ids in data:
        optimizer.zero_grad()
        loss = loss_of(model, ids)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def save(peft_model, folder):
    peft_model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)


def logits_of(model, ids):
    with torch.no_grad():
        return model(ids)[0].reshape(-1).tolist()


def golden(out):
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    data, probe = batches(), PROBE
    state = {name: value.clone() for name, value in base().state_dict().items()}
    for name, tensors in [("base", state), ("base-llama", separate(state))]:
        config = dict(CONFIG)
        if name == "base-llama":
            config.update(architectures=["LlamaForCausalLM"], model_type="llama", attention_bias=True, mlp_bias=False)
            del config["bias"]
        (out / name).mkdir()
        (out / name / "config.json").write_text(json.dumps(config, indent=2) + "\n")
        save_file(tensors, out / name / "model.safetensors", metadata={"format": "pt"})
    cases = {"rate": RATE, "rows": data.tolist(), "probe": probe[0].tolist(), "cases": {}}
    for name, arguments in CASES.items():
        torch.manual_seed(3)
        peft_model = get_peft_model(base(), LoraConfig(**arguments))
        save(peft_model, out / name / "start")
        losses = train(peft_model, data)
        save(peft_model, out / name / "end")
        logits = logits_of(peft_model, probe)
        merged = logits_of(peft_model.merge_and_unload(), probe)
        print(name, losses[0], losses[-1], "merge", max(abs(a - b) for a, b in zip(logits, merged)))
        cases["cases"][name] = {"losses": losses, "logits": logits}
    # Separate adapters of q, v and others on the same model under LLaMA's names; k has none.
    for name, targets in [("llama", ["q_proj", "k_proj", "v_proj", "down_proj"]), ("llama-qv", ["q_proj", "v_proj"])]:
        torch.manual_seed(4)
        model = Model("llama")
        model.load_state_dict(separate(state))
        arguments = dict(r=3, lora_alpha=6, use_dora=name == "llama-qv", rank_pattern={"v_proj": 2})
        peft_model = get_peft_model(model, LoraConfig(target_modules=targets, **arguments))
        train(peft_model, data[:20])
        save(peft_model, out / name)
        cases["cases"][name] = {"losses": [], "logits": logits_of(peft_model, probe)}
    (out / "cases.json").write_text(json.dumps(cases) + "\n")


def check(base_folder, adapter, merged):
    """Logits with the adapter in PEFT against those of the merged folder."""
    tensors = load_file(base_folder / "model.safetensors")
    layout = "internlm2" if any(".wqkv." in name for name in tensors) else "llama"
    model, other = Model(layout), Model()
    model.load_state_dict(tensors)
    other.load_state_dict(load_file(merged / "model.safetensors"))
    found, expected = (logits_of(m, PROBE) for m in (PeftModel.from_pretrained(model, adapter), other))
    difference = max(abs(a - b) for a, b in zip(found, expected))
    moved = max(abs(a - b) for a, b in zip(logits_of(base(), PROBE), expected))
    print(f"largest difference {difference:.2e}; the adapter moves logits by {moved:.2e}")
    sys.exit(0 if difference < 1e-5 and math.isfinite(difference) else 1)


if __name__ == "__main__":
    verb, paths = sys.argv[1], [Path(path) for path in sys.argv[2:]]
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    {"golden": golden, "check": check}[verb](*paths)
