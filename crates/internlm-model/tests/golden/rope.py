"""Makes rope.json: cosines and sines of transformers' rotary embeddings, to compare rope.rs with.

    python tests/golden/rope.py > tests/golden/rope.json      (transformers 5.24, torch)
"""

import json

import torch
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

SHORT = [1.0 + i / 16 for i in range(16)]
LONG = [1.0 + i * i / 8 for i in range(16)]
# (scaling, max_position_embeddings)
CASES = [
    ({"rope_type": "linear", "factor": 4.0}, 2048),
    ({"rope_type": "dynamic", "factor": 2.0}, 256),
    ({"rope_type": "yarn", "factor": 4.0}, 1024),
    ({"rope_type": "yarn", "factor": 8.0, "attention_factor": 1.25, "beta_fast": 16.0, "beta_slow": 2.0}, 512),
    ({"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 256}, 1024),
    ({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
      "original_max_position_embeddings": 512}, 4096),
    ({"rope_type": "longrope", "short_factor": SHORT, "long_factor": LONG,
      "original_max_position_embeddings": 128}, 1024),
    ({"rope_type": "longrope", "short_factor": SHORT, "long_factor": LONG, "attention_factor": 1.25, "factor": 4.0,
      "original_max_position_embeddings": 501}, 1024),
]
POSITIONS = [0, 1, 17, 500, 1023]


def angles(scaling, length, position):
    """Of one position in a sequence that ends there; a new object each time, because some keep a state."""
    config = LlamaConfig(hidden_size=64, num_attention_heads=2, head_dim=32, max_position_embeddings=length,
                         rope_parameters={"rope_theta": 10000.0, **scaling})
    cos, sin = LlamaRotaryEmbedding(config)(torch.zeros(1), torch.tensor([[position]]))
    return [[round(x, 8) for x in table[0, 0, :16].tolist()] for table in (cos, sin)]


rows = []
for scaling, length in CASES:
    cos, sin = zip(*(angles(scaling, length, position) for position in POSITIONS))
    rows.append({"scaling": scaling, "max_position": length, "positions": POSITIONS, "cos": cos, "sin": sin})
print(json.dumps(rows))
