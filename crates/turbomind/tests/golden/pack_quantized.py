"""Makes compressed_tensors.json: a random asymmetric 4-bit matrix packed by the compressed-tensors package.

    python tests/golden/pack_quantized.py > tests/golden/pack_quantized.json    (compressed-tensors 0.20, torch)
"""

import importlib.util
import json
from pathlib import Path

import torch

# The packer by its file: importing the package wants the newest transformers, which packing does not need.
package = Path(importlib.util.find_spec("compressed_tensors").origin).parent
file = package / "compressors" / "pack_quantized" / "helpers.py"
spec = importlib.util.spec_from_file_location("helpers", file)
helpers = importlib.util.module_from_spec(spec)
spec.loader.exec_module(helpers)
pack_to_int32 = helpers.pack_to_int32

OUTPUTS, INPUTS, GROUP = 11, 256, 128

generator = torch.Generator().manual_seed(7)
weights = torch.randint(-8, 8, (OUTPUTS, INPUTS), generator=generator, dtype=torch.int8)
zeros = torch.randint(-8, 8, (OUTPUTS, INPUTS // GROUP), generator=generator, dtype=torch.int8)
scales = (torch.rand(OUTPUTS, INPUTS // GROUP, generator=generator) * 0.02).half()
steps = weights.float() - zeros.float().repeat_interleave(GROUP, dim=1)
values = steps * scales.float().repeat_interleave(GROUP, dim=1)
print(json.dumps({
    "weight_packed": pack_to_int32(weights, 4).reshape(-1).tolist(),
    "weight_zero_point": pack_to_int32(zeros, 4, packed_dim=0).reshape(-1).tolist(),
    "weight_scale": scales.float().reshape(-1).tolist(),
    "values": values.tolist(),
}))
