"""Lagent 0.5's own HTTP client classes against `lagent serve`. Optional: needs
`pip install --no-deps lagent==0.5.0rc2` and `pip install requests aiohttp pydantic`.

    python lagent_http.py http://127.0.0.1:8090

Prints one PASS line per check; ends with status 1 at the first check that fails. The checks hold for any agent.
"""

import asyncio
import importlib.util
import pathlib
import sys
from urllib.parse import urlsplit

import lagent
from lagent.schema import AgentMessage, AgentStatusCode

URL = urlsplit(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8090")


def api_server():
    """The module of the clients. Importing it by its name would also import Ray and a server."""
    path = pathlib.Path(lagent.__file__).parent / "distributed" / "http_serve" / "api_server.py"
    spec = importlib.util.spec_from_file_location("api_server", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check(name, holds, detail=""):
    print(f"{'PASS' if holds else 'FAIL'} {name} {detail}".rstrip(), flush=True)
    if not holds:
        sys.exit(1)


def check_message(name, message):
    check(name, isinstance(message, AgentMessage), repr(message)[:200])
    check(f"{name}: it is complete", message.stream_state == AgentStatusCode.END)
    check(f"{name}: it has a sender and a text", message.sender != "user" and isinstance(message.content, str))


def sync(module):
    client = module.HTTPAgentClient(URL.hostname, URL.port, timeout=60)
    check("is_alive", client.is_alive)
    check("is_alive of nobody", not module.HTTPAgentClient(URL.hostname, 1, timeout=5).is_alive)
    check_message("a text", client("Hello.", session_id=7))
    check_message("a message", client(AgentMessage(sender="user", content="And again."), session_id=7))
    check_message("several messages", client("One.", "Two.", session_id=8))
    check_message("the default session", client("Hello."))
    check_message("settings of the model", client("Hello.", session_id=9, temperature=0.0, max_new_tokens=16))
    refused = client("Hello.", session_id=9, no_such_setting=1)
    check("an unknown setting", "no_such_setting" in refused["detail"], refused["detail"])
    return client


def memories(client):
    memory = client.state_dict(7)["memory"]
    check("state_dict", len(memory) >= 4, f"{len(memory)} messages")
    messages = [AgentMessage.model_validate(message) for message in memory]
    asked = [message.content for message in messages if message.sender == "user"]
    check("state_dict has the questions", asked == ["Hello.", "And again."], repr(asked))
    other = client.state_dict(8)["memory"]
    check("another session is another memory", other[0]["content"] == "One.")
    unknown = client.state_dict(987654)
    check("an unknown session", unknown["detail"] == "Session ID not found", repr(unknown)[:100])


async def concurrent(module):
    client = module.AsyncHTTPAgentClient(URL.hostname, URL.port, timeout=60)
    answers = await asyncio.gather(*(client(f"I am {n}.", session_id=1000 + n) for n in range(8)))
    check("async questions", all(isinstance(answer, AgentMessage) for answer in answers))
    for n in range(8):
        memory = client.state_dict(1000 + n)["memory"]
        check(f"session {1000 + n}", memory[0]["content"] == f"I am {n}.")


def main():
    module = api_server()
    client = sync(module)
    memories(client)
    asyncio.run(concurrent(module))


if __name__ == "__main__":
    main()
