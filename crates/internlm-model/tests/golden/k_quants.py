"""Makes k_quants.json: one block of every K-quant with random bits and its values by llama.cpp's gguf package.

    python tests/golden/k_quants.py > tests/golden/k_quants.json      (gguf, numpy)
"""

import json

import numpy as np
from gguf import GGMLQuantizationType, quants

rng = np.random.default_rng(7)
rows = []
for name, size, scales in [("Q4_K", 144, [0, 2]), ("Q5_K", 176, [0, 2]), ("Q6_K", 210, [208])]:
    block = rng.integers(0, 256, size, dtype=np.uint8)
    # The f16 scales must be finite numbers of a usual size.
    for at in scales:
        block[at:at + 2] = np.frombuffer(np.float16(rng.uniform(0.001, 0.02)).tobytes(), dtype=np.uint8)
    values = quants.dequantize(block[None, :], GGMLQuantizationType[name])[0]
    rows.append({"type": name, "block": block.tolist(), "values": [float(value) for value in values]})
print(json.dumps(rows))
