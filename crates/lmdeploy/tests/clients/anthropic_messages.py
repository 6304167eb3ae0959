"""The official `anthropic` Python client against `/v1/messages` of `lmdeploy serve api_server`. Optional: needs
`pip install anthropic`. Every answer and every event is validated strictly.

    python anthropic_messages.py http://127.0.0.1:23333

Prints one PASS line per check; ends with status 1 at the first check that fails. Guided decoding makes the checks of
required tools hold for any model.
"""

import sys

import anthropic
from anthropic.types import RawMessageStreamEvent
from pydantic import TypeAdapter

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:23333"
EVENT = TypeAdapter(RawMessageStreamEvent)
TOOL = {
    "name": "add",
    "description": "Adds two numbers.",
    "input_schema": {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
        "additionalProperties": False,
    },
}

# Newer clients have no argument for it.
GREEDY = {"temperature": 0}


def check(name, holds, detail=""):
    print(f"{'PASS' if holds else 'FAIL'} {name} {detail}".rstrip(), flush=True)
    if not holds:
        sys.exit(1)


def fails(name, expected, call):
    try:
        call()
    except expected as error:
        check(f"{name}: {type(error).__name__}", error.body["type"] == "error", error.body["error"]["message"][:90])
        return error
    check(name, False, "no error")


def ask(text):
    return [{"role": "user", "content": text}]


def check_text(client, model):
    options = {"model": model, "max_tokens": 24, "extra_body": GREEDY, "system": "Be brief.", "messages": ask("Say hello.")}
    answer = client.messages.create(**options)
    check("create", answer.id.startswith("msg_") and answer.content[0].type == "text", repr(answer.content[0].text)[:60])
    check("stop_reason", answer.stop_reason in ("end_turn", "max_tokens"), answer.stop_reason)
    check("request-id", bool(answer._request_id), answer._request_id)
    counting = {key: value for key, value in options.items() if key not in ("max_tokens", "extra_body")}
    count = client.messages.count_tokens(**counting)
    prompt = answer.usage.input_tokens + answer.usage.cache_read_input_tokens
    check("count_tokens is the whole prompt", count.input_tokens == prompt, str(count.input_tokens))
    kinds, text = [], ""
    for event in client.messages.create(stream=True, **options):
        EVENT.validate_python(event.model_dump(by_alias=True))
        kinds.append(event.type)
        if event.type == "message_start":
            check("message_start has the tokens", event.message.usage.input_tokens == count.input_tokens)
        if event.type == "content_block_delta" and event.delta.type == "text_delta":
            text += event.delta.text
    check("stream says the same", text == answer.content[0].text, repr(text)[:60])
    check("stream begins and ends", kinds[0] == "message_start" and kinds[-2:] == ["message_delta", "message_stop"])
    with client.messages.stream(**options) as stream:
        helped = "".join(stream.text_stream)
        final = stream.get_final_message()
    check("stream helper", helped == text and final.stop_reason == answer.stop_reason, final.stop_reason)
    check("usage of the stream", final.usage.output_tokens == answer.usage.output_tokens, str(final.usage.output_tokens))


def check_ends(client, model):
    begun = ask("Count to ten.") + [{"role": "assistant", "content": "1, 2, 3,"}]
    answer = client.messages.create(model=model, max_tokens=16, extra_body=GREEDY, messages=begun)
    check("a begun answer is continued", bool(answer.content), repr(answer.content[0].text)[:60])
    cut = client.messages.create(model=model, max_tokens=2, messages=ask("Count to one hundred."))
    check("max_tokens", cut.stop_reason == "max_tokens" and cut.usage.output_tokens == 2, cut.stop_reason)
    letters = list("aeiou ")
    stopped = client.messages.create(model=model, max_tokens=64, messages=ask("Say hello."), stop_sequences=letters)
    check("stop_sequence", stopped.stop_reason != "stop_sequence" or stopped.stop_sequence in letters, str(stopped.stop_sequence))


def check_tools(client, model):
    options = {"model": model, "max_tokens": 200, "extra_body": GREEDY, "tools": [TOOL]}
    choice = {"type": "tool", "name": "add", "disable_parallel_tool_use": True}
    question = ask("What is 12 + 30?")
    answer = client.messages.create(messages=question, tool_choice=choice, **options)
    calls = [block for block in answer.content if block.type == "tool_use"]
    check("one named call", len(calls) == 1 and calls[0].name == "add" and answer.stop_reason == "tool_use", str(calls)[:90])
    check("input follows the schema", all(isinstance(calls[0].input[key], int) for key in "ab"), str(calls[0].input))
    with client.messages.stream(messages=question, tool_choice=choice, **options) as stream:
        final = stream.get_final_message()
    check("stream helper gives the call", final.content[-1].input == calls[0].input, str(final.content[-1].input))
    result = {"type": "tool_result", "tool_use_id": calls[0].id, "content": [{"type": "text", "text": "42"}]}
    history = question + [{"role": "assistant", "content": answer.content}, {"role": "user", "content": [result]}]
    told = client.messages.create(messages=history, **{**options, "max_tokens": 16})
    check("the result comes back", bool(told.content), told.stop_reason)


def check_errors(client, model):
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
    for name, options in [
        ("an image", {"messages": [{"role": "user", "content": [image]}]}),
        ("temperature", {"extra_body": {"temperature": 1.5}}),
        ("max_tokens", {"max_tokens": 0}),
        ("a hosted tool", {"tools": [{"type": "bash_20250124", "name": "bash"}]}),
    ]:
        options = {"model": model, "max_tokens": 4, "messages": ask("hi"), **options}
        fails(name, anthropic.BadRequestError, lambda: client.messages.create(**options))
    unknown = {"model": "claude", "max_tokens": 4, "messages": ask("hi")}
    fails("unknown model", anthropic.NotFoundError, lambda: client.messages.create(**unknown))


def main():
    client = anthropic.Anthropic(
        base_url=URL, api_key="none", max_retries=0, _strict_response_validation=True
    )
    listed = anthropic.Anthropic(base_url=f"{URL}/anthropic", api_key="none", max_retries=0, _strict_response_validation=True)
    model = listed.models.list().data[0].id
    check("models.list", model != "", model)
    check_text(client, model)
    check_ends(client, model)
    check_tools(client, model)
    check_errors(client, model)


if __name__ == "__main__":
    main()
