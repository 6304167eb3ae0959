"""Makes rope.json: cosines and sines of transformers' rotary embeddings, to compare rope.rs with.

    python tests/golden/rope.py > tests/golden/rope.json      (transformers 4.48.3, torch)
"""

import json

import torch
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

# (scaling, max_position_embeddings); this version takes YaRN's first context from the latter.
CASES = [
    ({"rope_type": "linear", "factor": 4.0}, 2048),
    ({"rope_type": "yarn", "factor": 4.0}, 1024),
    ({"rope_type": "yarn", "factor": 8.0, "attention_factor": 1.25, "beta_fast": 16.0, "beta_slow": 2.0}, 512),
]
POSITIONS = [0, 1, 17, 500, 1023]

rows = []
for scaling, length in CASES:
    config = LlamaConfig(hidden_size=64, num_attention_heads=2, head_dim=32, rope_theta=10000.0,
                         max_position_embeddings=length, rope_scaling=dict(scaling))
    cos, sin = LlamaRotaryEmbedding(config)(torch.zeros(1), torch.tensor([POSITIONS]))
    half = cos.shape[-1] // 2
    rounded = lambda table: [[round(x, 8) for x in row[:half]] for row in table[0].tolist()]
    rows.append({"scaling": scaling, "max_position": length, "positions": POSITIONS, "cos": rounded(cos), "sin": rounded(sin)})
print(json.dumps(rows))
