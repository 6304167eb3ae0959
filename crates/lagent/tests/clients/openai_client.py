"""The official `openai` Python client against `lagent serve`. Optional: needs `pip install openai`.

    python openai_client.py http://127.0.0.1:8090 [KEY]

Prints one PASS line per check; ends with status 1 at the first check that fails. The checks of tools need an agent
that calls one for `calc 12*34`, as the scripted agent of the tests does; others are passed over.
"""

import asyncio
import sys

import openai

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8090"
KEY = sys.argv[2] if len(sys.argv) > 2 else "none"
CALC = [{"role": "user", "content": "calc 12*34"}]


def check(name, holds, detail=""):
    print(f"{'PASS' if holds else 'FAIL'} {name} {detail}".rstrip(), flush=True)
    if not holds:
        sys.exit(1)


def fails(name, expected, call):
    try:
        call()
    except expected as error:
        check(f"{name}: {type(error).__name__}", bool(error.body["message"]), error.body["message"][:90])
        return error
    check(name, False, "no error")


def whole(client, model):
    answer = client.chat.completions.create(model=model, messages=[{"role": "user", "content": "Hello."}])
    choice = answer.choices[0]
    check("a whole answer", choice.finish_reason in ("stop", "length") and bool(choice.message.content))
    check("its names", answer.id.startswith("chatcmpl-run_") and answer.model == model, answer.id)
    check("its usage", answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens)
    raw = client.chat.completions.with_raw_response.create(
        model=model, messages=[{"role": "user", "content": "Hello."}], temperature=0, max_tokens=16, seed=1
    )
    check("the run of an answer", raw.headers["x-run-id"].startswith("run_"))
    check("the name of a request", bool(raw.headers["x-request-id"]))


def streamed(client, model):
    chunks = list(
        client.chat.completions.create(
            model=model,
            messages=[{"role": "user", "content": "Hello."}],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    check("a streamed answer", bool(text), text[:60])
    check("its role comes first", chunks[0].choices[0].delta.role == "assistant")
    check("its finish reason", chunks[-2].choices[0].finish_reason in ("stop", "length"))
    check("its usage comes last", chunks[-1].usage is not None and not chunks[-1].choices)
    check("it has one name", len({chunk.id for chunk in chunks}) == 1)


def refused(client, model):
    hello = [{"role": "user", "content": "Hello."}]
    create = client.chat.completions.create
    wrong = fails("an unknown agent", openai.NotFoundError, lambda: create(model="nobody", messages=hello))
    check("its param", wrong.param == "model", repr(wrong.param))
    for name, value in [("n", 2), ("tools", [{"type": "function", "function": {"name": "f"}}]), ("logprobs", True)]:
        error = fails(name, openai.BadRequestError, lambda: create(model=model, messages=hello, **{name: value}))
        check(f"{name} is named", error.param == name, repr(error.param))
    fails("no messages", openai.BadRequestError, lambda: create(model=model, messages=[]))
    if KEY != "none":
        stranger = client.with_options(api_key="wrong", max_retries=0)
        fails("a wrong key", openai.AuthenticationError, lambda: stranger.models.list())


def tools(client, model):
    """The agent's tools as calls that this client makes."""
    extra = {"agent_tools": "calls"}
    first = client.chat.completions.create(model=model, messages=CALC, extra_body=extra)
    choice = first.choices[0]
    if choice.finish_reason != "tool_calls":
        print("SKIP tools: this agent does not call one", flush=True)
        return
    check("a call", choice.message.tool_calls[0].function.name == "Calculator", repr(choice.message.tool_calls)[:90])
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": "408 exactly"} for call in choice.message.tool_calls
    ]
    messages = [*CALC, choice.message.model_dump(), *results]
    last = client.chat.completions.create(model=model, messages=messages, extra_body=extra)
    check("the answer after the result", "408 exactly" in last.choices[0].message.content)
    inside = client.chat.completions.create(model=model, messages=CALC)
    check("tools inside", "408" in inside.choices[0].message.content, inside.choices[0].message.content)
    with client.chat.completions.stream(model=model, messages=CALC, extra_body=extra) as stream:
        final = stream.get_final_completion()
    check("streamed calls", final.choices[0].message.tool_calls[0].function.arguments == '{"expression":"12*34"}')


async def concurrent(model):
    client = openai.AsyncOpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0)
    ask = client.chat.completions.create
    answers = await asyncio.gather(
        *(ask(model=model, messages=[{"role": "user", "content": f"I am {n}."}]) for n in range(8))
    )
    check("answers at the same time", all(answer.choices[0].message.content for answer in answers))
    check("each has its own name", len({answer.id for answer in answers}) == 8)


def main():
    client = openai.OpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0, timeout=60)
    models = [model.id for model in client.models.list()]
    check("models", bool(models), repr(models))
    check("one model", client.models.retrieve(models[0]).owned_by == "lagent")
    model = models[0]
    whole(client, model)
    streamed(client, model)
    refused(client, model)
    tools(client, model)
    asyncio.run(concurrent(model))


if __name__ == "__main__":
    main()
