"""Makes blocks.json: two blocks of every block format with random bits and their values by llama.cpp's gguf package.

    python tests/golden/blocks.py > tests/golden/blocks.json      (gguf, numpy)
"""

import json

import numpy as np
from gguf import GGMLQuantizationType, quants

# Name, bytes of a block, places of its f16 scales.
FORMATS = [
    ("Q4_0", 18, [0]),
    ("Q4_1", 20, [0, 2]),
    ("Q5_0", 22, [0]),
    ("Q5_1", 24, [0, 2]),
    ("Q8_0", 34, [0]),
    ("Q4_K", 144, [0, 2]),
    ("Q5_K", 176, [0, 2]),
    ("Q6_K", 210, [208]),
]

rng = np.random.default_rng(7)
rows = []
for name, size, scales in FORMATS:
    blocks = rng.integers(0, 256, (2, size), dtype=np.uint8)
    # The f16 scales must be finite numbers of a usual size.
    for block in blocks:
        for at in scales:
            block[at:at + 2] = np.frombuffer(np.float16(rng.uniform(-0.02, 0.02)).tobytes(), dtype=np.uint8)
    values = quants.dequantize(blocks, GGMLQuantizationType[name])
    rows.append({
        "type": name,
        "bytes": blocks.reshape(-1).tolist(),
        "values": [float(value) for value in values.reshape(-1)],
    })
print(json.dumps(rows))
