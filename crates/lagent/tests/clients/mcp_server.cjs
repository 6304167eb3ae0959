// A server of the official TypeScript SDK for the tests of lagent's MCP client, on standard input and output.
// Needs `npm install @modelcontextprotocol/sdk`.
//
//     NODE_PATH=FOLDER/node_modules node mcp_server.cjs

const { McpServer } = require("@modelcontextprotocol/sdk/server/mcp.js");
const { StdioServerTransport } = require("@modelcontextprotocol/sdk/server/stdio.js");
const { z } = require("zod");

const server = new McpServer({ name: "test", version: "1" }, { capabilities: { logging: {} } });

server.registerTool(
  "echo",
  { description: "Returns its argument.", inputSchema: { text: z.string() } },
  async ({ text }) => ({ content: [{ type: "text", text }] }),
);

server.registerTool("grow", { description: "Adds the tool `grown`." }, async () => {
  server.registerTool("grown", { description: "Was not there at first." }, async () => ({
    content: [{ type: "text", text: "big" }],
  }));
  return { content: [{ type: "text", text: "added" }] };
});

server.registerResource("hello", "note://hello", { description: "A greeting." }, async (uri) => ({
  contents: [{ uri: uri.href, text: "Hello!" }],
}));

server.registerPrompt(
  "greet",
  { description: "Greets somebody.", argsSchema: { name: z.string() } },
  ({ name }) => ({ messages: [{ role: "user", content: { type: "text", text: `Say hello to ${name}.` } }] }),
);

server.connect(new StdioServerTransport());
