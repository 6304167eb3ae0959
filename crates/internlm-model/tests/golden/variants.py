"""Makes variants.json: logits of tiny models whose positions or windows are not the plain ones, by transformers.

    python tests/golden/variants.py > tests/golden/variants.json      (transformers 5.24, torch)

Weights follow from a formula, so that the file holds names and shapes only.
"""

import json

import torch
from transformers import (LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM, Qwen2Config,
                          Qwen2ForCausalLM)

TOKENS = 24
VOCABULARY = 48
ROWS = [0, 4, 7, 11, 17, 23]
SIZES = dict(hidden_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
             intermediate_size=96, vocab_size=VOCABULARY, max_position_embeddings=64, rms_norm_eps=1e-5,
             bos_token_id=1, eos_token_id=2, pad_token_id=None, tie_word_embeddings=False,
             attn_implementation="eager")
SHORT = [1.0 + i / 8 for i in range(8)]
LONG = [1.0 + i for i in range(8)]


def llama(length=64, **scaling):
    config = LlamaConfig(**{**SIZES, "max_position_embeddings": length},
                         rope_parameters={"rope_theta": 10000.0, **scaling})
    return LlamaForCausalLM(config)


CASES = {
    "plain": llama(rope_type="default"),
    "linear": llama(rope_type="linear", factor=4.0),
    "dynamic": llama(length=16, rope_type="dynamic", factor=2.0),
    "yarn": llama(rope_type="yarn", factor=4.0, original_max_position_embeddings=16),
    "llama3": llama(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                    original_max_position_embeddings=16),
    "longrope_short": llama(rope_type="longrope", short_factor=SHORT, long_factor=LONG,
                            original_max_position_embeddings=32),
    "longrope_long": llama(rope_type="longrope", short_factor=SHORT, long_factor=LONG,
                           original_max_position_embeddings=16),
    "mistral_window": MistralForCausalLM(MistralConfig(**SIZES, sliding_window=4)),
    "qwen2_window": Qwen2ForCausalLM(Qwen2Config(**SIZES, use_sliding_window=True, sliding_window=4,
                                                 max_window_layers=1)),
}


def values(name, shape):
    """Element i of a tensor: (i * 7919 + 104729 * sum of the bytes of its name) mod 2003, scaled to about 1 / 4."""
    seed = sum(name.encode())
    count = torch.Size(shape).numel()
    numbers = (torch.arange(count, dtype=torch.int64) * 7919 + seed * 104729) % 2003 - 1001
    scaled = (numbers.double() / 4004.0).float().reshape(shape)
    return 1.0 + scaled if name.endswith("norm.weight") else scaled


ids = [(i * 29 + 5) % VOCABULARY for i in range(TOKENS)]
cases = []
for name, model in CASES.items():
    tensors = {key: list(value.shape) for key, value in model.state_dict().items()}
    model.load_state_dict({key: values(key, shape) for key, shape in tensors.items()})
    model.eval()
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0]
    config = {**model.config.to_dict(), "architectures": [type(model).__name__], "dtype": "float32"}
    rows = [[float(f"{x:.7g}") for x in logits[row].tolist()] for row in ROWS]
    cases.append({"name": name, "config": config, "tensors": tensors, "logits": rows})
print(json.dumps({"ids": ids, "rows": ROWS, "cases": cases}, default=str))
