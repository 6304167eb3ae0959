"""A server of the official Python SDK for the tests of lagent's MCP client. Needs `pip install mcp`.

    python mcp_server.py                 on standard input and output
    python mcp_server.py http PORT       over streamable HTTP at /mcp
"""

import os
import sys

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver import Context, Image
from mcp.types import ToolAnnotations
from pydantic import BaseModel

server = MCPServer("test", instructions="For tests.")

# One point, red.
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d494844520000000100000001080200000090775"
    "3de0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)


class Answer(BaseModel):
    name: str


@server.tool()
def echo(text: str) -> str:
    """Returns its argument."""
    return text


@server.tool(structured_output=False)
def picture() -> Image:
    """Returns an image of one point."""
    return Image(data=PIXEL, format="png")


@server.tool()
def fail() -> str:
    """Always fails."""
    raise ValueError("as asked for")


@server.tool(annotations=ToolAnnotations(destructive_hint=True, read_only_hint=False))
def wipe() -> str:
    """Deletes everything."""
    return "wiped"


@server.tool()
async def slow(seconds: float, context: Context) -> str:
    """Reports its progress ten times a second."""
    steps = max(1, round(seconds * 10))
    for step in range(steps):
        await context.report_progress(step, steps, f"step {step}")
        await anyio.sleep(0.1)
    return "done"


@server.tool()
async def ask(context: Context) -> str:
    """Asks the user for a name."""
    asked = await context.elicit("Your name?", Answer)
    return asked.action


@server.tool()
async def grow(context: Context) -> str:
    """Adds the tool `grown`."""
    server.add_tool(lambda: "big", name="grown", description="Was not there at first.")
    await context.notify_tools_changed()
    return "added"


@server.tool()
def die() -> str:
    """Ends the server in the middle of the call."""
    print("the last words", file=sys.stderr, flush=True)
    os._exit(7)


@server.tool()
def variables() -> str:
    """Names the environment variables of the server."""
    return " ".join(sorted(os.environ))


@server.resource("note://hello", mime_type="text/plain", description="A greeting.")
def hello() -> str:
    return "Hello!"


@server.prompt(description="Greets somebody.")
def greet(name: str) -> str:
    return f"Say hello to {name}."


if __name__ == "__main__":
    if sys.argv[1:2] == ["http"]:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[2]))
    else:
        server.run("stdio")
