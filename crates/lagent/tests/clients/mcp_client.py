"""The client of the official Python SDK against `lagent mcp serve`. Needs `pip install mcp`.

    python mcp_client.py stdio PROGRAM ARGUMENT...
    python mcp_client.py http URL

Prints one PASS line per check; ends with status 1 at the first check that fails. The server has the tool Calculator.
"""

import sys

import anyio
from mcp import Client, MCPError, StdioServerParameters


def target():
    if sys.argv[1] == "http":
        return sys.argv[2]
    return StdioServerParameters(command=sys.argv[2], args=sys.argv[3:])


def check(what, holds):
    print("PASS" if holds else "FAIL", what, flush=True)
    if not holds:
        sys.exit(1)


async def calculate(client, expression):
    return await client.call_tool("Calculator", {"expression": expression})


async def run(mode):
    async with Client(target(), mode=mode) as client:
        check(f"{mode}: the server names itself", client.server_info.name == "lagent")
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        schema = tools["Calculator"].input_schema
        check(f"{mode}: tools are listed with their schema", schema["required"] == ["expression"])
        result = await calculate(client, "12 * 34")
        check(f"{mode}: a call returns text", result.content[0].text == "408" and not result.is_error)
        result = await calculate(client, "1 / 0")
        check(f"{mode}: a failing tool is a result", result.is_error and "division by zero" in result.content[0].text)
        result = await client.call_tool("Calculator", {})
        check(f"{mode}: missing arguments are named", "missing required arguments" in result.content[0].text)
        try:
            await client.call_tool("Calculater", {})
            refused = None
        except MCPError as error:
            refused = error.error
        check(f"{mode}: an unknown tool is refused", refused is not None and refused.code == -32602)
        results = []

        async def one(number):
            results.append((number, (await calculate(client, f"{number} + 1")).content[0].text))

        async with anyio.create_task_group() as group:
            for number in range(50):
                group.start_soon(one, number)
        check(f"{mode}: 50 calls at once", sorted(results) == [(number, str(number + 1)) for number in range(50)])


for mode in ("auto", "legacy"):
    anyio.run(run, mode)
