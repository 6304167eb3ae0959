"""Makes config_keys.json: the keys of config.json that the classes of the six families know, with their defaults.

    python tests/golden/config_keys.py > tests/golden/config_keys.json      (transformers 5.24)
"""

import json

from transformers import GenerationConfig, LlamaConfig, MistralConfig, Qwen2Config
from transformers.models.internlm3.configuration_internlm3 import InternLM3Config

# Keys of configuration_internlm2.py (InternLM, 2024), which is not part of transformers.
INTERNLM2 = {
    "vocab_size": 103168, "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32,
    "num_attention_heads": 32, "num_key_value_heads": None, "hidden_act": "silu", "max_position_embeddings": 2048,
    "initializer_range": 0.02, "rms_norm_eps": 1e-6, "use_cache": True, "pad_token_id": 0, "bos_token_id": 1,
    "eos_token_id": 2, "pretraining_tp": 1, "tie_word_embeddings": False, "bias": True, "rope_theta": 10000,
    "rope_scaling": None, "attn_implementation": None, "auto_map": {},
}
# Keys of configuration_internlm3.py (InternLM, 2025) that transformers' own class renames.
INTERNLM3 = {"bias": False, "qkv_bias": False, "rope_scaling": None, "rope_theta": 10000.0}
# Keys that transformers 4 wrote and transformers 5 still accepts.
LEGACY = {
    "torch_dtype": "float32", "rope_theta": 10000.0, "rope_scaling": None, "is_decoder": False,
    "add_cross_attention": False, "cross_attention_hidden_size": None, "tie_encoder_decoder": False,
    "pruned_heads": {}, "finetuning_task": None, "num_labels": 2, "task_specific_params": None,
    "tokenizer_class": None, "prefix": None, "sep_token_id": None, "decoder_start_token_id": None,
    "torchscript": False, "use_bfloat16": False, "tf_legacy_loss": False, "_commit_hash": None,
    "_attn_implementation": None, "name_or_path": "", "gradient_checkpointing": False,
}
COMMON = {"per_layer_config": None, "tie_last_hidden_states": None, "partial_rotary_factor": None}
generation = GenerationConfig._get_default_generation_params()


def documented(config):
    return {**LEGACY, **COMMON, **generation, **config.to_dict()}


base = {key: value for key, value in documented(LlamaConfig()).items() if key not in LlamaConfig.__dataclass_fields__}
families = {
    "internlm2": {**base, **INTERNLM2},
    "internlm2-reward": {**base, **INTERNLM2, "reward_token_id": 92527},
    "internlm3": {**documented(InternLM3Config()), **INTERNLM3},
    "llama": documented(LlamaConfig()),
    "mistral": documented(MistralConfig()),
    "qwen2": documented(Qwen2Config()),
}
print(json.dumps(families, default=str, sort_keys=True))
