// The client of the official TypeScript SDK against `lagent mcp serve`. Needs `npm install @modelcontextprotocol/sdk`.
//
//     NODE_PATH=FOLDER/node_modules node mcp_client.cjs stdio PROGRAM ARGUMENT...
//     NODE_PATH=FOLDER/node_modules node mcp_client.cjs http URL
//
// Prints one PASS line per check; ends with status 1 at the first check that fails. The server has the tool Calculator.

const { Client } = require("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = require("@modelcontextprotocol/sdk/client/stdio.js");
const { StreamableHTTPClientTransport } = require("@modelcontextprotocol/sdk/client/streamableHttp.js");

const [kind, place, ...rest] = process.argv.slice(2);

function check(what, holds) {
  console.log(holds ? "PASS" : "FAIL", what);
  if (!holds) process.exit(1);
}

async function main() {
  const client = new Client({ name: "test", version: "1" });
  const transport = kind === "http"
    ? new StreamableHTTPClientTransport(new URL(place))
    : new StdioClientTransport({ command: place, args: rest });
  await client.connect(transport);
  check("the server names itself", client.getServerVersion().name === "lagent");
  const { tools } = await client.listTools();
  const tool = tools.find((tool) => tool.name === "Calculator");
  check("tools are listed with their schema", tool.inputSchema.required[0] === "expression");
  const calculate = (expression) => client.callTool({ name: "Calculator", arguments: { expression } });
  const result = await calculate("12 * 34");
  check("a call returns text", result.content[0].text === "408" && !result.isError);
  const failed = await calculate("1 / 0");
  check("a failing tool is a result", failed.isError && failed.content[0].text.includes("division by zero"));
  let refused = null;
  try {
    await client.callTool({ name: "Calculater", arguments: {} });
  } catch (error) {
    refused = error;
  }
  check("an unknown tool is refused", refused !== null && refused.code === -32602);
  const numbers = [...Array(50).keys()];
  const results = await Promise.all(numbers.map((number) => calculate(`${number} + 1`)));
  check("50 calls at once", results.every((result, number) => result.content[0].text === String(number + 1)));
  await client.close();
}

main().catch((error) => {
  console.log("FAIL", error);
  process.exit(1);
});
