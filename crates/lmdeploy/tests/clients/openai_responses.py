"""The official `openai` Python client against `/v1/responses` of `lmdeploy serve api_server`. Optional: needs
`pip install openai pydantic`. Every answer and every event is validated strictly.

    python openai_responses.py http://127.0.0.1:23333

Prints one PASS line per check; ends with status 1 at the first check that fails. Guided decoding makes the checks of
formats and required tools hold for any model.
"""

import json
import sys

import openai
from openai.types.responses import ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:23333"
EVENT = TypeAdapter(ResponseStreamEvent)
TOOL = {
    "type": "function",
    "name": "add",
    "description": "Adds two numbers.",
    "parameters": {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
        "additionalProperties": False,
    },
    "strict": True,
}


class Person(BaseModel):
    """What `responses.parse` asks for."""

    name: str
    age: int


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


def validated(events):
    """The events of a stream, each of them validated against the types of the package."""
    for number, event in enumerate(events):
        EVENT.validate_python(event.model_dump(by_alias=True), strict=False)
        check_quietly(event.sequence_number == number, f"sequence_number {event.sequence_number} at {number}")
        yield event


def check_quietly(holds, detail):
    if not holds:
        check("stream", False, detail)


def check_text(client, model):
    answer = client.responses.create(
        model=model, input="Say hello.", instructions="Be brief.", max_output_tokens=24, temperature=0, metadata={"a": "b"}
    )
    usage = answer.usage
    check("create", answer.id.startswith("resp_") and answer.output[0].id.startswith("msg_"), repr(answer.output_text)[:60])
    check("status", answer.status in ("completed", "incomplete"), answer.status)
    check("usage adds up", usage.total_tokens == usage.input_tokens + usage.output_tokens, str(usage.total_tokens))
    check("the request is echoed", answer.temperature == 0 and answer.metadata == {"a": "b"} and answer.instructions == "Be brief.")
    kinds, text = [], ""
    stream = client.responses.create(
        model=model, input="Say hello.", instructions="Be brief.", max_output_tokens=24, temperature=0, stream=True
    )
    for event in validated(stream):
        kinds.append(event.type)
        if event.type == "response.output_text.delta":
            text += event.delta
    check("stream says the same", text == answer.output_text, repr(text)[:60])
    check("stream begins and ends", kinds[:2] == ["response.created", "response.in_progress"]
          and kinds[-1] in ("response.completed", "response.incomplete"), kinds[-1])
    return answer


def check_store(client, model):
    first = client.responses.create(model=model, input="My number is 7.", max_output_tokens=8)
    check("retrieve", client.responses.retrieve(first.id) == first, first.id)
    second = client.responses.create(
        model=model, input="Which number?", previous_response_id=first.id, max_output_tokens=8
    )
    check("previous_response_id", second.usage.input_tokens > first.usage.input_tokens, str(second.usage.input_tokens))
    client.responses.delete(first.id)
    fails("deleted", openai.NotFoundError, lambda: client.responses.retrieve(first.id))
    kept = client.responses.create(model=model, input="a", store=False, max_output_tokens=4)
    fails("store false", openai.NotFoundError, lambda: client.responses.retrieve(kept.id))


def check_formats(client, model):
    answer = client.responses.parse(
        model=model, input="Ada is 36 years old.", text_format=Person, max_output_tokens=200, temperature=0
    )
    if answer.status == "completed":
        check("parse", isinstance(answer.output_parsed, Person), repr(answer.output_parsed))
    with client.responses.stream(
        model=model, input="Ada is 36 years old.", text_format=Person, max_output_tokens=200, temperature=0
    ) as stream:
        kinds = [event.type for event in stream]
        if kinds[-1] == "response.completed":
            check("stream helper parses", isinstance(stream.get_final_response().output_parsed, Person))
    answer = client.responses.create(
        model=model, input="Any object.", text={"format": {"type": "json_object"}}, max_output_tokens=100, temperature=0
    )
    if answer.status == "completed":
        check("json_object", isinstance(json.loads(answer.output_text), dict), repr(answer.output_text)[:60])


def check_tools(client, model):
    options = {"model": model, "tools": [TOOL], "tool_choice": "required", "parallel_tool_calls": False}
    question = {"role": "user", "content": "What is 12 + 30?"}
    answer = client.responses.create(input=[question], max_output_tokens=200, temperature=0, **options)
    calls = [item for item in answer.output if item.type == "function_call"]
    check("one required call", len(calls) == 1 and calls[0].name == "add", str(calls)[:90])
    arguments = json.loads(calls[0].arguments)
    check("arguments follow the schema", all(isinstance(arguments[key], int) for key in "ab"), calls[0].arguments)
    result = {"type": "function_call_output", "call_id": calls[0].call_id, "output": "42"}
    history = [question] + [item.model_dump(exclude_none=True) for item in answer.output] + [result]
    told = client.responses.create(model=model, tools=[TOOL], input=history, max_output_tokens=16)
    check("the result comes back", told.status in ("completed", "incomplete"), repr(told.output_text)[:60])
    with client.responses.stream(input=[question], max_output_tokens=200, temperature=0, **options) as stream:
        pieces = "".join(event.delta for event in stream if event.type == "response.function_call_arguments.delta")
        final = stream.get_final_response()
    streamed = [item for item in final.output if item.type == "function_call"]
    check("stream helper gives the call", streamed[0].arguments == pieces == calls[0].arguments, pieces)
    check("parsed arguments", streamed[0].parsed_arguments == arguments, str(streamed[0].parsed_arguments))


def check_rest(client, model):
    scored = client.responses.create(
        model=model, input="a", max_output_tokens=4, top_logprobs=2, include=["message.output_text.logprobs"]
    )
    logprobs = scored.output[-1].content[0].logprobs
    check("logprobs", len(logprobs) > 0 and all(len(score.top_logprobs) == 2 for score in logprobs), str(len(logprobs)))
    cut = client.responses.create(model=model, input="Count to one hundred.", max_output_tokens=2)
    check("incomplete", cut.incomplete_details is not None and cut.incomplete_details.reason == "max_output_tokens")
    for name, options in [
        ("background", {"background": True}),
        ("conversation", {"conversation": "conv_1"}),
        ("tools", {"tools": [{"type": "web_search"}]}),
        ("temperature", {"temperature": 9}),
    ]:
        error = fails(name, openai.BadRequestError, lambda: client.responses.create(model=model, input="a", **options))
        check(f"{name} is named", error.param == name, str(error.param))
    fails("unknown model", openai.NotFoundError, lambda: client.responses.create(model="gpt-9", input="a"))


def main():
    client = openai.OpenAI(
        base_url=f"{URL}/v1", api_key="none", max_retries=0, _strict_response_validation=True
    )
    model = client.models.list().data[0].id
    check_text(client, model)
    check_store(client, model)
    check_formats(client, model)
    check_tools(client, model)
    check_rest(client, model)


if __name__ == "__main__":
    main()
