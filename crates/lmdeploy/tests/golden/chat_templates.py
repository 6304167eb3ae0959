"""Makes chat_templates.json: what LMDeploy's and llama.cpp's chat templates of each name make of two conversations.

    python tests/golden/chat_templates.py LMDEPLOY LLAMA_CPP > tests/golden/chat_templates.json

LMDEPLOY is the folder of the sources of LMDeploy 0.18 with `lmdeploy/model.py`, LLAMA_CPP that of llama.cpp (as in
llama-cpp-python 0.3.36) with `src/llama-chat.cpp`, which is compiled with g++.
"""

import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile
import types

# The conversation of llama.cpp's tests/test-chat-template.cpp, and one without a system message.
CONVERSATIONS = {
    "system": [
        ["system", "You are a helpful assistant"],
        ["user", "Hello"],
        ["assistant", "Hi there"],
        ["user", "Who are you"],
        ["assistant", "   I am an assistant   "],
        ["user", "Another question"],
    ],
    "plain": [["user", " Hello"], ["assistant", "Hi there\n"], ["user", "Who are you"]],
}
# Of LMDeploy: a class without a name of its own text, and programs.
NOT_TEXTS = {"hf", "deepseek-v32", "deepseek-v3.2", "deepseek-v4"}
# Files for LMDeploy's `--chat-template`.
FILES = [
    {"model_name": "ours", "system": "<sys>", "eosys": "</sys>", "user": "U:", "eoh": "|", "assistant": "A:", "eoa": "$"},
    {"model_name": "ours", "meta_instruction": "Be brief.", "separator": "#", "eoa": "$", "capability": "chat"},
    {"model_name": "vicuna", "assistant": "BOT: ", "meta_instruction": "Be brief.", "stop_words": ["</s>"]},
    {"model_name": "llama2", "meta_instruction": "Be brief.", "model_path": "somewhere", "tool": None},
    {"model_name": "chatglm", "user": "Q:", "assistant": "A:"},
    {"user": "Q:"},
]
# LMDeploy leaves the system message out.
WITHOUT_SYSTEM = {"chatglm"}

MAIN = r"""
#include "llama-chat.h"
#include "llama.h"
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>
int main(int count, char ** arguments) {
    std::vector<const char *> names(256);
    names.resize(llama_chat_builtin_templates(names.data(), names.size()));
    std::vector<llama_chat_message> messages;
    std::vector<const llama_chat_message *> chat;
    for (int at = 1; at + 1 < count; at += 2) messages.push_back({arguments[at], arguments[at + 1]});
    for (auto & message : messages) chat.push_back(&message);
    for (auto name : names) {
        std::string text;
        llm_chat_apply_template(llm_chat_template_from_str(name), chat, text, true);
        fwrite(name, 1, std::string(name).size() + 1, stdout);
        fwrite(text.data(), 1, text.size() + 1, stdout);
    }
}
"""


def lmdeploy(folder):
    """Texts by name; modules that the templates do not need are empty ones."""

    class Registry:
        def __init__(self, *_, **__):
            self.module_dict = {}

        def register_module(self, name, module=None):
            def register(module):
                self.module_dict.update({one: module for one in ([name] if isinstance(name, str) else name)})
                return module

            return register(module) if module else register

        def get(self, name):
            return self.module_dict[name]

    stubs = {"mmengine": {"Registry": Registry}, "lmdeploy": {}, "lmdeploy.archs": {"get_model_arch": None}}
    stubs["lmdeploy.utils"] = {"get_logger": lambda _: None}
    for name, content in stubs.items():
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__dict__.update(content)
    spec = importlib.util.spec_from_file_location("model", folder / "lmdeploy" / "model.py")
    model = importlib.util.module_from_spec(spec)
    sys.modules["model"] = model
    spec.loader.exec_module(model)
    texts = {}
    for name, template in model.MODELS.module_dict.items():
        if name in NOT_TEXTS:
            continue
        texts[name] = both(name, template())
    # Each file registers its name.
    files = []
    for file in FILES:
        template = model.ChatTemplateConfig.from_json(json.dumps(file)).chat_template()
        files.append(dict(file=file, **both(file.get("model_name"), template)))
    return texts, files


def both(name, template):
    """What one of LMDeploy's templates makes of the conversations."""
    texts = {}
    for kind, conversation in CONVERSATIONS.items():
        messages = [dict(role=role, content=content) for role, content in conversation]
        if kind == "plain" or name not in WITHOUT_SYSTEM:
            texts[kind] = template.messages2prompt(messages)
    return texts


def llama_cpp(folder):
    """Texts by name, of the compiled templates."""
    texts = {}
    with tempfile.TemporaryDirectory() as work:
        main = pathlib.Path(work, "main.cpp")
        main.write_text(MAIN)
        includes = [f"-I{folder / part}" for part in ("src", "include", "ggml/include")]
        program = pathlib.Path(work, "main")
        sources = [main, folder / "src" / "llama-chat.cpp"]
        subprocess.run(["g++", "-std=c++17", *includes, *sources, "-o", program], check=True)
        for kind, conversation in CONVERSATIONS.items():
            ran = subprocess.run([program, *sum(conversation, [])], check=True, capture_output=True)
            parts = ran.stdout.decode().split("\0")
            for name, text in zip(parts[::2], parts[1::2]):
                texts.setdefault(name, {})[kind] = text
    return texts


texts, files = lmdeploy(pathlib.Path(sys.argv[1]))
peers = {
    "conversations": CONVERSATIONS,
    "lmdeploy": texts,
    "lmdeploy files": files,
    "llama.cpp": llama_cpp(pathlib.Path(sys.argv[2])),
}
print(json.dumps(peers, ensure_ascii=False, indent=1))
