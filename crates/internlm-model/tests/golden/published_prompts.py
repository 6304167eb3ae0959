"""Makes published_prompts.json: checksums of the ids that transformers gives to conversations in published templates.

    python tests/golden/published_prompts.py ../../../shared/data > tests/golden/published_prompts.json

Needs transformers and sentencepiece. The templates and vocabularies are those of the shared data, which stay where they
are: kept are the CRC-32 of every list of ids (as text, joined by commas), its length and its first ids. null stands for
a template that refuses the conversation.
"""

import json
import os
import shutil
import sys
import tempfile
import zlib

from transformers import AutoTokenizer

# Runs of spaces are left out: transformers 5 merges LLaMA 2's pieces of spaces, whose score is -1e9, before
# all others; sentencepiece and llama.cpp do not, and they are the definition.
CONVERSATIONS = [
    [{"role": "user", "content": "Hi there"}],
    [{"role": "user", "content": " Hello, world! "}, {"role": "assistant", "content": "It's 12*34 = 408.\n"},
     {"role": "user", "content": "\n\nTell me about 你好 👋 and été."}],
    [{"role": "system", "content": "You are brief."}, {"role": "user", "content": "def f(x):\n\treturn x"},
     {"role": "assistant", "content": "Yes"}, {"role": "user", "content": "Why?"}],
]


def added(content, **flags):
    return {"content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
            "special": True, **flags}


def config(cls, first, **more):
    """Special tokens of the published templates behind the end of the vocabulary."""
    names = ["<|im_start|>", "<|im_end|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<start_of_turn>"]
    flags = [{}, {"rstrip": True}, {}, {"rstrip": True}, {}, {"lstrip": True}]
    decoder = {str(first + at): added(name, **flag) for at, (name, flag) in enumerate(zip(names, flags))}
    return {"tokenizer_class": cls, "bos_token": "<s>", "eos_token": "</s>", "clean_up_tokenization_spaces": False,
            "added_tokens_decoder": decoder, **more}


# Name, vocabulary below tokenizers/, name in the folder, config.json, tokenizer_config.json.
FORMS = [
    ("llama2", "llama2/tokenizer.model", "tokenizer.model", {"model_type": "llama"},
     config("LlamaTokenizer", 32000, legacy=False)),
    ("llama2 legacy", "llama2/tokenizer.model", "tokenizer.model", {"model_type": "llama"},
     config("LlamaTokenizer", 32000, legacy=True)),
    ("llama2 as mistral", "llama2/tokenizer.model", "tokenizer.model", {"model_type": "mistral"},
     config("LlamaTokenizer", 32000, legacy=True)),
    ("internlm", "internlm/tokenizer_internlm.model", "tokenizer.model", {"model_type": "internlm2"},
     config("InternLMTokenizer", 103168)),
    ("internlm2", "internlm2/tokenizer_internlm2.model", "tokenizer.model", {"model_type": "internlm2"},
     config("InternLM2Tokenizer", 92544)),
    ("unigram", "sentencepiece/test_model.model", "tokenizer.model", {"model_type": "internlm2"},
     config("InternLM2Tokenizer", 1000)),
    ("llama json", "hf_json/llama-test-tokenizer.json", "tokenizer.json", {},
     config("PreTrainedTokenizerFast", 32003)),
    ("minimind", "minimind/tokenizer.json", "tokenizer.json", {},
     {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<|im_start|>", "eos_token": "<|im_end|>"}),
]


def load(data, vocabulary, name, model, settings):
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(os.path.join(data, "tokenizers", vocabulary), os.path.join(folder, name))
        for file, content in [("config.json", model), ("tokenizer_config.json", settings)]:
            if content:
                with open(os.path.join(folder, file), "w", encoding="utf-8") as out:
                    json.dump(content, out)
        return AutoTokenizer.from_pretrained(folder)


def main():
    data = sys.argv[1]
    folder = os.path.join(data, "tokenizers", "chat_templates")
    templates = {}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            source = file.read()
        # What depends on the day, or on variables of one server, is not comparable.
        if "strftime_now" not in source and "firefunction" not in name:
            templates[name] = source
    rows = []
    for name, vocabulary, file, model, settings in FORMS:
        tokenizer = load(data, vocabulary, file, model, settings)
        print(name, type(tokenizer).__name__, len(tokenizer), file=sys.stderr)
        prompts = {}
        for template, source in templates.items():
            for conversation in CONVERSATIONS:
                try:
                    ids = tokenizer.apply_chat_template(
                        conversation, chat_template=source, add_generation_prompt=True, return_dict=False)
                except Exception as error:
                    print(template, repr(error)[:80], file=sys.stderr)
                    prompts.setdefault(template, []).append(None)
                    continue
                crc = zlib.crc32(",".join(map(str, ids)).encode())
                prompts.setdefault(template, []).append([crc, len(ids), ids[:6]])
        rows.append({"name": name, "vocabulary": vocabulary, "file": file, "config.json": model,
                     "tokenizer_config.json": settings, "prompts": prompts})
    json.dump({"conversations": CONVERSATIONS, "forms": rows}, sys.stdout, ensure_ascii=False, separators=(",", ":"))
    print()


main()
