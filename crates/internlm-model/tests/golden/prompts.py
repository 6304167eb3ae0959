"""Makes prompts.json: small tokenizers in every form that a model folder may have, and the ids of prompts by transformers.

    python tests/golden/prompts.py > tests/golden/prompts.json      (transformers, sentencepiece, protobuf)

The tokenizers are made here from a few words. Every form is a folder: its files, and texts with the ids that
`AutoTokenizer` gives them. The vocabularies have the three marks of ChatML and tokens with every flag.
"""

import copy
import json
import os
import sys
import tempfile

from transformers import AutoTokenizer
from transformers.convert_slow_tokenizer import import_protobuf

pb = import_protobuf()

WORDS = ["▁Hi", "▁there", "▁user", "user", "assistant", "Hello", "▁Hello", "Bye", "▁Bye", "▁▁", "▁the", "▁thing"]
BASE = ["<unk>", "<s>", "</s>"]
MARKS = ["<|im_start|>", "<|im_end|>"]

TEXTS = [
    "",
    " ",
    "Hello",
    " Hello there",
    "<s>Hello</s>",
    "<|im_start|>user\nHi there<|im_end|>\n<|im_start|>assistant\nHello!<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n",
    "<s>[INST] Hi there [/INST] Hello!</s> [INST] Bye [/INST]",
    "<|im_start|> user  <|im_end|> <|im_start|>\n\n<|im_end|>  Bye ",
    "  Hi  there \t<|im_end|>\u3000Bye<|im_end|>",
    "user<|im_start|>user<tool>user <tool> there<tool>",
    "<tool>", " <tool> Hi", "the thing<word>the <word> thing <word>.",
    "你好 <|im_start|>你 👋<|im_end|>▁Hi",
    "<unk>Hi<unk> there <pad>Hi",
    "HELLO <Up> hello <up>",
]


def pieces():
    """Pieces and merges: every word is built from the left, one character at a time."""
    made, merges = sorted({c for word in WORDS for c in word} - {" "}), []
    for word in WORDS:
        for end in range(2, len(word) + 1):
            if (word[:end - 1], word[end - 1]) not in merges:
                merges.append((word[:end - 1], word[end - 1]))
            if word[:end] not in made:
                made.append(word[:end])
    return made, merges


def added(id, content, special=True, **flags):
    token = {"id": id, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": not special, "special": special}
    return {**token, **flags}


def flagged(first):
    """Marks and tokens with flags."""
    return [
        added(first, "<|im_start|>"), added(first + 1, "<|im_end|>", rstrip=True),
        added(first + 2, "<tool>", special=False, lstrip=True, normalized=False),
        added(first + 3, "<word>", special=False, single_word=True, rstrip=True),
        added(first + 4, "<Up>", special=False),
    ]


def plain(first):
    return [added(first + at, mark) for at, mark in enumerate(MARKS)]


def characters(marks, normalizer=None, pre_tokenizer=None, strip=True):
    made, merges = pieces()
    tokens = BASE + ["<0x%02X>" % byte for byte in range(256)] + made
    decoders = [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]
    if strip:
        decoders.append({"type": "Strip", "content": " ", "start": 1, "stop": 0})
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [added(at, name) for at, name in enumerate(BASE)] + marks(len(tokens)),
        "normalizer": normalizer, "pre_tokenizer": pre_tokenizer, "post_processor": None,
        "decoder": {"type": "Sequence", "decoders": decoders},
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
                  "vocab": {token: at for at, token in enumerate(tokens)}, "merges": [" ".join(m) for m in merges]},
    }


def byte_level(marks, normalizer=None):
    keep = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(b) for b in keep] + [chr(256 + at) for at in range(256 - len(keep))]
    merges = [("t", "h"), ("th", "e"), ("e", "r"), ("u", "s"), ("us", "er"), ("H", "i"), ("Ġ", "the")]
    tokens = BASE + letters + [left + right for left, right in merges]
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [added(at, name) for at, name in enumerate(BASE)] + marks(len(tokens)),
        "normalizer": normalizer, "pre_tokenizer": level, "post_processor": None, "decoder": level,
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                  "vocab": {token: at for at, token in enumerate(tokens)}, "merges": [" ".join(m) for m in merges]},
    }


def metaspace(scheme, split=False):
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split}


def sentencepiece(user_defined=(), unigram=False, spaces=False):
    """A model file; `spaces` removes extra ones."""
    made, _ = pieces()
    model = pb.ModelProto()
    kinds = [("<unk>", 2), ("<s>", 3), ("</s>", 3)] + [(name, 4) for name in user_defined]
    kinds += [("<0x%02X>" % byte, 6) for byte in range(256)]
    for name, kind in kinds:
        model.pieces.add(piece=name, score=0.0, type=kind)
    # Two equal pieces are an error of sentencepiece.
    for at, name in enumerate(name for name in made if name not in user_defined):
        score = -float(at) if not unigram else -12.0 + 2.0 * len(name)
        model.pieces.add(piece=name, score=score, type=1)
    model.trainer_spec.model_type = 1 if unigram else 2
    model.trainer_spec.byte_fallback = True
    model.trainer_spec.vocab_size = len(model.pieces)
    model.trainer_spec.unk_id, model.trainer_spec.bos_id, model.trainer_spec.eos_id = 0, 1, 2
    model.trainer_spec.pad_id = -1
    model.normalizer_spec.name = "identity"
    model.normalizer_spec.add_dummy_prefix = True
    model.normalizer_spec.remove_extra_whitespaces = spaces
    model.normalizer_spec.escape_whitespaces = True
    return model.SerializeToString(deterministic=True), len(model.pieces)


def config(cls, **more):
    return {"tokenizer_class": cls, "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>",
            "add_bos_token": False, "add_eos_token": False, "clean_up_tokenization_spaces": False, **more}


def decoder(tokens):
    return {str(t["id"]): {k: v for k, v in t.items() if k != "id"} for t in tokens}


def forms():
    fast = config("PreTrainedTokenizerFast")
    for scheme in ("first", "always", "never"):
        yield f"metaspace {scheme}", {"tokenizer.json": characters(plain, None, metaspace(scheme)), "tokenizer_config.json": fast}
    yield "metaspace first, flags", {"tokenizer.json": characters(flagged, None, metaspace("first")), "tokenizer_config.json": fast}
    yield "metaspace first, split", {"tokenizer.json": characters(flagged, None, metaspace("first", True)), "tokenizer_config.json": fast}
    legacy = {"type": "Sequence", "normalizers": [
        {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}
    yield "prepend", {"tokenizer.json": characters(flagged, legacy), "tokenizer_config.json": fast}
    for flag in (None, True, False):
        more = {} if flag is None else {"legacy": flag}
        yield f"prepend, LlamaTokenizer, legacy {flag}", {
            "config.json": {"model_type": "llama"}, "tokenizer.json": characters(flagged, legacy),
            "tokenizer_config.json": config("LlamaTokenizer", **more)}
    for scheme, split, flag in [("always", False, None), ("never", True, False), ("first", True, True)]:
        more = {} if flag is None else {"legacy": flag}
        yield f"metaspace {scheme}, split {split}, LlamaTokenizer, legacy {flag}", {
            "tokenizer.json": characters(flagged, None, metaspace(scheme, split)), "tokenizer_config.json": config("LlamaTokenizer", **more)}
    yield "byte level", {"tokenizer.json": byte_level(plain), "tokenizer_config.json": fast}
    yield "byte level, flags", {"tokenizer.json": byte_level(flagged), "tokenizer_config.json": fast}
    yield "byte level, lower case", {"tokenizer.json": byte_level(flagged, {"type": "Lowercase"}), "tokenizer_config.json": fast}
    bare = byte_level(lambda first: [])
    first = len(bare["model"]["vocab"])
    yield "byte level, decoder beside", {
        "tokenizer.json": bare,
        "tokenizer_config.json": config("PreTrainedTokenizerFast", added_tokens_decoder=decoder(flagged(first)))}
    yield "byte level, files beside", {
        "tokenizer.json": bare, "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast"},
        "special_tokens_map.json": {"bos_token": "<s>", "eos_token": {"content": "<|im_end|>", "lstrip": False,
                                    "normalized": False, "rstrip": False, "single_word": False},
                                    "additional_special_tokens": ["<|im_start|>"]},
        "added_tokens.json": {"<|im_start|>": first, "<|im_end|>": first + 1, "<tool>": first + 2}}
    yield "byte level, unnumbered specials", {"tokenizer.json": bare, "tokenizer_config.json": config(
        "PreTrainedTokenizerFast", additional_special_tokens=["<|im_start|>", "<|im_end|>"])}
    yield "byte level, GPT2Tokenizer with a space", {
        "tokenizer.json": byte_level(plain), "tokenizer_config.json": config("GPT2Tokenizer", add_prefix_space=True)}
    named = byte_level(plain)
    named["added_tokens"] = [token for token in named["added_tokens"] if token["content"] not in BASE]
    yield "byte level, learned tokens named", {"tokenizer.json": named, "tokenizer_config.json": fast}

    model, first = sentencepiece()
    beside = {"added_tokens.json": {"<|im_start|>": first, "<|im_end|>": first + 1, "<tool>": first + 2}}
    llama = {"config.json": {"model_type": "llama"}, "tokenizer.model": model}
    for name, more in [("legacy", {"legacy": True}), ("not legacy", {"legacy": False}), ("", {})]:
        yield f"LlamaTokenizer {name}".strip(), {**llama, **beside, "tokenizer_config.json": config("LlamaTokenizer", **more)}
    yield "LlamaTokenizer, no prefix", {**llama, **beside, "tokenizer_config.json": config("LlamaTokenizer", add_prefix_space=False)}
    for legacy in (True, False):
        yield f"LlamaTokenizer legacy {legacy}, flags", {**llama, "tokenizer_config.json": config(
            "LlamaTokenizer", legacy=legacy, added_tokens_decoder=decoder([added(at, n) for at, n in enumerate(BASE)] + flagged(first)))}
    yield "LlamaTokenizer, special_tokens_map", {
        **llama, **beside, "tokenizer_config.json": {"tokenizer_class": "LlamaTokenizer", "legacy": False},
        "special_tokens_map.json": {"bos_token": "<s>", "eos_token": "<|im_end|>", "unk_token": "<unk>"}}
    for name, more in [("", {}), (" not legacy", {"legacy": False})]:
        yield f"no class{name}", {"config.json": {"model_type": "internlm2"}, "tokenizer.model": model, **beside,
                                  "tokenizer_config.json": config("InternLM2Tokenizer", **more)}
    named = {key: value for key, value in config("").items() if key != "tokenizer_class"}
    for legacy in (None, True, False):
        more = {} if legacy is None else {"legacy": legacy}
        yield f"llama that names no class, legacy {legacy}", {**llama, **beside, "tokenizer_config.json": {**named, **more}}
    yield "llama that names no class, no config.json", {"tokenizer.model": model, **beside, "tokenizer_config.json": named}
    yield "LlamaTokenizer, unnumbered specials", {**llama, "tokenizer_config.json": config(
        "LlamaTokenizer", additional_special_tokens=MARKS[::-1])}
    yield "mixtral", {"config.json": {"model_type": "mixtral"}, "tokenizer.model": model, **beside,
                      "tokenizer_config.json": config("LlamaTokenizer")}
    yield "mistral", {"config.json": {"model_type": "mistral"}, "tokenizer.model": model, **beside,
                      "tokenizer_config.json": config("LlamaTokenizer", legacy=True)}
    model, first = sentencepiece(user_defined=["<|im_start|>", "<tool>", "▁▁"], spaces=True)
    yield "no class, user-defined pieces", {
        "config.json": {"model_type": "internlm2"}, "tokenizer.model": model,
        "added_tokens.json": {"<|im_end|>": first}, "tokenizer_config.json": config("InternLM2Tokenizer")}
    model, first = sentencepiece(user_defined=["<|im_start|>", "<tool>"])
    yield "LlamaTokenizer, user-defined pieces", {
        **llama, "tokenizer.model": model, "added_tokens.json": {"<|im_end|>": first},
        "tokenizer_config.json": config("LlamaTokenizer", legacy=False)}
    model, first = sentencepiece(unigram=True)
    yield "unigram", {"config.json": {"model_type": "internlm2"}, "tokenizer.model": model,
                      "added_tokens.json": {"<|im_start|>": first, "<|im_end|>": first + 1},
                      "tokenizer_config.json": config("InternLM2Tokenizer")}


def load(files):
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode())
        return AutoTokenizer.from_pretrained(folder)


def stored(files):
    """Model files are written as hexadecimal digits."""
    return {name: content.hex() if isinstance(content, bytes) else content for name, content in files.items()}


def main():
    rows = []
    for name, files in forms():
        tokenizer = load(copy.deepcopy(files))
        print(name, type(tokenizer).__name__, len(tokenizer), tokenizer.special_tokens_map, file=sys.stderr)
        ids = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in TEXTS]
        rows.append({"name": name, "files": stored(files), "vocab": len(tokenizer), "ids": ids,
                     "special_tokens": tokenizer.special_tokens_map})
    json.dump({"texts": TEXTS, "forms": rows}, sys.stdout, ensure_ascii=False, separators=(",", ":"))
    print()


main()
