"""Shapes of models that are measured with random weights, and folders that describe them without any."""

import json

# InternLM2's sizes, and a small one for rehearsals. The names are those of `internlm-train bench --shape`.
SHAPES = {
    "4m": dict(hidden=256, layers=4, heads=4, kv=2, inter=1024, vocab=2048),
    "1.8b": dict(hidden=2048, layers=24, heads=16, kv=8, inter=8192, vocab=92544),
    "7b": dict(hidden=4096, layers=32, heads=32, kv=8, inter=14336, vocab=92544),
}


def config(name):
    """The config.json of an InternLM2 of this shape."""
    shape = SHAPES[name]
    return {
        "architectures": ["InternLM2ForCausalLM"],
        "model_type": "internlm2",
        "hidden_size": shape["hidden"],
        "num_hidden_layers": shape["layers"],
        "num_attention_heads": shape["heads"],
        "num_key_value_heads": shape["kv"],
        "intermediate_size": shape["inter"],
        "vocab_size": shape["vocab"],
        "max_position_embeddings": 32768,
        "rms_norm_eps": 1e-5,
        "rope_theta": 1000000.0,
        "tie_word_embeddings": False,
        "bias": False,
        "hidden_act": "silu",
        "torch_dtype": "float32",
    }


def byte_alphabet():
    """The characters by which byte-level vocabularies write the 256 bytes (GPT-2)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + index) for index in range(len(others))]


def tokenizer(vocab):
    """A tokenizer.json of byte-level BPE without merges: a token per byte, and words that only a model writes."""
    words = byte_alphabet() + [f"w{index}" for index in range(256, vocab)]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": byte_level,
        "post_processor": None,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {word: index for index, word in enumerate(words)},
            "merges": [],
        },
    }


# What AutoAWQ writes into the config of its folders.
AWQ = {"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": True, "version": "gemm"}


def write_folder(folder, name, quantization=None):
    """Writes what `--random-weights` reads of a model; the settings of a quantizer give codes of 4 bits."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = {"quantization_config": quantization} if quantization else {}
    (folder / "config.json").write_text(json.dumps({**config(name), **settings}))
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer(SHAPES[name]["vocab"])))
    return folder
