"""Renderings of chat templates by transformers 5.24 (Jinja2 3.1.6), for tests/it/jinja_goldens.rs.

    python jinja.py [FOLDER of published templates]

Writes jinja.json: every template of TEMPLATES over one conversation, as text or null for an error; continued
conversations; and, with a folder, hashes of the published templates over 300 random conversations.
"""

import json
import pathlib
import random
import sys

from jinja_templates import CONTINUED, TEMPLATES
from transformers.utils.chat_template_utils import render_jinja_template

HERE = pathlib.Path(__file__).parent
SPECIALS = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "image_token": "<image>"}
EXTRA = {
    "big": 12345678901234567890, "large": 1e16, "small": 1e-5, "whole": 2.0, "half": 0.5, "neg": -7,
    "yes": True, "no": False, "list": [1, "two", 3.0, [], {}], "text": "it's \"q\" \\ é\n\t\u200b😀",
    "schema": {"type": "array", "items": {"type": "string"}, "keys": ["k"], "get": 1},
    "rows": [{"n": "b", "v": 2}, {"n": "a", "v": 1}, {"n": "B", "v": 2.5}, {"v": 0}],
}
MESSAGES = [
    {"role": "system", "content": " Be brief. "},
    {"role": "user", "content": "Hi <there>\nyou", "extra": EXTRA},
    {"role": "assistant", "content": "Hello!", "reasoning_content": "think"},
    {"role": "user", "content": ""},
]
TOOLS = [{"name": "add", "description": "Adds <é> 'a'", "parameters": {
    "type": "object", "properties": {"a": {"type": "number", "default": 1e-07, "enum": [1, 2.5, 1e21]}, "b": {}},
    "required": ["a"], "additionalProperties": False, "x": None}}]


class NotCompared(Exception):
    """An error of Python that the crate does not repeat: loops over None are empty, so that `for tool in tools` works
    without tools, and what a filter gives is a list, also to `tojson`."""


LENIENT = "'NoneType' object is not iterable", "Object of type generator is not JSON serializable"


def render(template, messages, tools=None, generate=True):
    try:
        tools = tools and [{"type": "function", "function": tool} for tool in tools]
        return render_jinja_template(
            [messages], tools, chat_template=template, add_generation_prompt=generate, **SPECIALS)[0][0]
    except Exception as error:  # noqa: BLE001 - whatever Python raises is an error of the template
        if any(message in str(error) for message in LENIENT):
            raise NotCompared from error
        return None


def refused_or(template):
    try:
        return render(template, MESSAGES, TOOLS)
    except NotCompared:
        return None


def continued(template, messages):
    try:
        return render_jinja_template([messages], chat_template=template, continue_final_message=True, **SPECIALS)[0][0]
    except Exception:  # noqa: BLE001
        return None


# ---------------------------------------------------------------- random conversations

WORDS = ["Hello", "there", "é😀", "<b>", "it's", '"q"', "\\n", "\n", "  ", "{{ x }}", "{% y %}", "1e-5", "中文", "</think>", "</s>"]
VALUES = [1, -3, 2.5, 1e16, 1e-7, True, None, "x 'y'", "é", [1, "a"], {"k": {"n": [0.1]}}, [], {}]


def words(r, most):
    return " ".join(r.choice(WORDS) for _ in range(r.randrange(most)))


def conversation(r):
    """Messages as OpenAI's API has them, and tools; roles mostly alternate, as templates demand."""
    messages = [{"role": "system", "content": words(r, 4)}] if r.random() < 0.4 else []
    for _ in range(r.randrange(1, 4)):
        messages.append({"role": "user", "content": words(r, 5)})
        if r.random() < 0.15:
            messages[-1]["name"] = "alice"
        kind = r.random()
        if kind < 0.35:
            arguments = {f"a{i}": r.choice(VALUES) for i in range(r.randrange(3))}
            call = {"id": "%09d" % r.randrange(10**9), "type": "function",
                    "function": {"name": r.choice(["add", "look_up"]), "arguments": json.dumps(arguments, ensure_ascii=False)}}
            messages.append({"role": "assistant", "content": r.choice([None, "", "Let me see."]), "tool_calls": [call]})
            messages.append({"role": "tool", "content": words(r, 3), "tool_call_id": call["id"], "name": call["function"]["name"]})
        if kind < 0.9:
            messages.append({"role": "assistant", "content": words(r, 5)})
            if r.random() < 0.2:
                messages[-1]["reasoning_content"] = words(r, 3)
    if r.random() < 0.5 and messages[-1]["role"] == "assistant":
        messages.append({"role": "user", "content": words(r, 5)})
    tools = None
    if r.random() < 0.4:
        tools = [{"name": name, "description": words(r, 3), "parameters": {"type": "object", "properties": {
            "a": {"type": r.choice(["string", "number", "integer", "boolean"]), "description": words(r, 3)},
            "b": {"type": "object", "properties": {"c": {"type": "array", "items": {"type": "boolean"}}}},
        }, "required": ["a"]}} for name in ["add", "look_up"][: r.randrange(1, 3)]]
    return {"messages": messages, "tools": tools, "generate": r.random() < 0.7}


def shaped(message):
    """A message as the crate gives it to templates: arguments are objects."""
    shaped = {"role": message["role"], "content": message["content"]}
    if "tool_calls" in message:
        shaped["tool_calls"] = [{"id": call["id"], "type": "function", "function": {
            "name": call["function"]["name"], "arguments": json.loads(call["function"]["arguments"])}}
            for call in message["tool_calls"]]
    for key in ("tool_call_id", "name"):
        if key in message:
            shaped[key] = message[key]
    shaped |= {key: value for key, value in message.items() if key not in shaped}
    return {key: value for key, value in shaped.items() if value is not None}


def forms(messages, mark):
    """The forms in which the crate offers calls, with a mark in the names of functions; see chat/conversation.rs."""
    for text in (False, True):
        for content in ("as sent", "null", "empty"):
            offered = json.loads(json.dumps(messages))
            for message in offered:
                if "tool_calls" not in message:
                    continue
                for index, call in enumerate(message["tool_calls"]):
                    if text:
                        call["function"]["arguments"] = json.dumps(call["function"]["arguments"], ensure_ascii=False)
                    call["function"]["name"] += mark and f"{mark}{call['id']}{index}{mark}"
                if content == "null" and message.get("content") in (None, ""):
                    message["content"] = None
                if content == "empty" and message.get("content") is None:
                    message["content"] = ""
            yield offered


def render_forms(template, conversation):
    messages = [shaped(message) for message in conversation["messages"]]
    tools, generate = conversation["tools"], conversation["generate"]
    if tools and "tools" not in template:
        return None
    calls = [call["id"] for message in messages for call in message.get("tool_calls", [])]
    if not calls:
        return render(template, messages, tools, generate)
    unshown = None
    for plain, marked in zip(forms(messages, ""), forms(messages, "\ufdd0")):
        text = render(template, plain, tools, generate)
        shown = render(template, marked, tools, generate) or ""
        if text is not None and all(f"\ufdd0{call}" in shown for call in calls):
            return text
        unshown = text if unshown is None else unshown
    return unshown


def fnv(text):
    """FNV-1a of 64 bits, the upper half."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value >> 32:08x}"


def hashed(template, conversation):
    """The hash of a rendering, `error`, or `-` for what is not compared."""
    try:
        text = render_forms(template, conversation)
    except NotCompared:
        return "-"
    return "error" if text is None else fnv(text)


def published(folder, conversations):
    hashes = {}
    for file in sorted(pathlib.Path(folder).glob("*.jinja")):
        # The date of today is not a golden.
        source = file.read_text().replace('strftime_now("%d %b %Y")', '"26 Jul 2024"')
        hashes[file.stem] = " ".join(hashed(source, one) for one in conversations)
    return hashes


def main():
    r = random.Random(7)
    golden = {
        "specials": SPECIALS, "messages": MESSAGES, "tools": TOOLS,
        "templates": [[template, refused_or(template)] for template in TEMPLATES],
        "continued": [[template, messages, continued(template, messages)] for template, messages in CONTINUED],
    }
    if len(sys.argv) > 1:
        golden["conversations"] = [conversation(r) for _ in range(300)]
        golden["published"] = published(sys.argv[1], golden["conversations"])
    (HERE / "jinja.json").write_text(json.dumps(golden, ensure_ascii=False) + "\n")


main()
