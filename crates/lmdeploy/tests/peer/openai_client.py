"""The official `openai` Python client against `lmdeploy serve api_server`. Optional: needs `pip install openai`.

    python openai_client.py http://127.0.0.1:23333

Prints one PASS line per check; ends with status 1 at the first check that fails.
"""

import sys
import threading
import time
import urllib.request

import openai

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:23333"
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "Calculator",
            "description": "Evaluates an arithmetic expression.",
            "parameters": {
                "type": "object",
                "properties": {"expression": {"type": "string"}},
                "required": ["expression"],
            },
        },
    }
]


def check(name, holds, detail=""):
    print(f"{'PASS' if holds else 'FAIL'} {name} {detail}".rstrip(), flush=True)
    if not holds:
        sys.exit(1)


def metric(start):
    page = urllib.request.urlopen(f"{URL}/metrics").read().decode()
    lines = [line for line in page.splitlines() if line.startswith(start)]
    return int(lines[0].rsplit(" ", 1)[1])


def active_blocks(model):
    return metric(f'lmdeploy:kv_blocks{{model_name="{model}",engine="0",state="active"}}')


def ask(client, model, text, **options):
    messages = [{"role": "user", "content": text}]
    return client.chat.completions.create(model=model, messages=messages, temperature=0, **options)


def streamed(client, model, text, **options):
    content, reason, usage = "", None, None
    stream_options = {"include_usage": True}
    for chunk in ask(client, model, text, stream=True, stream_options=stream_options, **options):
        for choice in chunk.choices:
            content += choice.delta.content or ""
            reason = choice.finish_reason or reason
        usage = chunk.usage or usage
    return content, reason, usage


def check_eight_at_once(client, model):
    questions = [f"Question {index}: what is {index} + {index * 7}?" for index in range(8)]
    alone = [ask(client, model, text, max_tokens=48).choices[0].message.content for text in questions]
    together = [None] * 8

    def work(index):
        together[index] = ask(client, model, questions[index], max_tokens=48).choices[0].message.content

    threads = [threading.Thread(target=work, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check("eight concurrent greedy answers equal those asked one by one", together == alone)


def check_disconnect(client, model):
    stream = ask(client, model, "Tell a long story.", stream=True, extra_body={"ignore_eos": True})
    next(iter(stream))
    held = active_blocks(model)
    check("a stream under way holds blocks", held > 0, f"({held})")
    stream.close()
    started = time.time()
    while active_blocks(model) > 0 and time.time() - started < 5:
        time.sleep(0.005)
    waited = (time.time() - started) * 1000
    check("a client that disconnects frees its blocks", active_blocks(model) == 0, f"(within {waited:.0f} ms)")


def check_errors(client, model):
    for name, expected, call in [
        ("unknown model", openai.NotFoundError, lambda: ask(client, "gpt-9", "hi")),
        ("top_p 9", openai.BadRequestError, lambda: ask(client, model, "hi", top_p=9)),
        ("long prompt", openai.BadRequestError, lambda: ask(client, model, "word " * 50000)),
    ]:
        try:
            call()
            check(name, False, "no error")
        except expected as error:
            check(f"{name}: {type(error).__name__}", error.body["message"] != "", error.body["message"][:90])


def main():
    client = openai.OpenAI(base_url=f"{URL}/v1", api_key="none", max_retries=0)
    model = client.models.list().data[0].id
    check("models.list", model != "", model)

    answer = ask(client, model, "What is 12 + 30?", max_tokens=48)
    choice = answer.choices[0]
    usage = answer.usage
    check("chat", choice.finish_reason in ("stop", "length", "tool_calls"), repr(choice.message.content)[:90])
    check("usage adds up", usage.total_tokens == usage.prompt_tokens + usage.completion_tokens, str(usage)[:90])

    content, reason, usage = streamed(client, model, "What is 12 + 30?", max_tokens=48)
    check("streamed chat says the same", content == (choice.message.content or ""), repr(content)[:90])
    counts = [(u.prompt_tokens, u.completion_tokens) for u in (usage, answer.usage)]
    check("streamed reason and usage", reason == choice.finish_reason and counts[0] == counts[1], reason)
    cached = usage.prompt_tokens_details.cached_tokens
    check("the second prompt was cached", cached == usage.prompt_tokens - 1, f"({cached})")

    with_tools = ask(client, model, "What is 12*34?", max_tokens=64, tools=TOOLS)
    message = with_tools.choices[0].message
    calls = [f"{call.function.name}({call.function.arguments})" for call in message.tool_calls or []]
    check("chat with tools", (message.content is not None) or calls, ", ".join(calls) or repr(message.content)[:60])

    scored = client.completions.create(
        model=model, prompt="The answer is", max_tokens=0, echo=True, logprobs=1, temperature=0
    )
    logprobs = scored.choices[0].logprobs
    check("echo scores the prompt", logprobs.token_logprobs[0] is None and len(logprobs.tokens) > 1)

    detailed = ask(client, model, "hi", max_tokens=8, logprobs=True, top_logprobs=2)
    tokens = detailed.choices[0].logprobs.content
    check("logprobs", all(len(token.top_logprobs) == 2 and token.bytes for token in tokens), f"({len(tokens)} tokens)")

    check_eight_at_once(client, model)
    check_disconnect(client, model)
    check_errors(client, model)


main()
