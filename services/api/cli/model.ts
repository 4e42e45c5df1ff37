/**
 * `npm run model -- load ID` and `unload ID`: what requests, and the time without them, do by themselves.
 */
import { parseArgs } from "node:util";
import { askService } from "./ask-service.ts";

const USAGE = `Usage: npm run model -- load ID | unload ID [options]

load    waits until the model is loaded, and says why it cannot be
unload  has it leave memory as soon as no request uses it

Options:
  --url URL    the endpoint (default http://127.0.0.1:1234)
  -h, --help   print this

A service with keys wants one with \`admin: true\` in LOCALMODEL_API_KEY.
`;

type Answer = {
  readonly state?: string;
  readonly message?: string;
  readonly error?: { readonly message?: string };
};

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      url: { type: "string", default: "http://127.0.0.1:1234" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return void process.stdout.write(USAGE);
  const [command, id, ...more] = positionals;
  if ((command !== "load" && command !== "unload") || id === undefined || more.length > 0) {
    throw new Error(`expected load ID or unload ID\n\n${USAGE}`);
  }
  const key = process.env["LOCALMODEL_API_KEY"];
  const asked = { url: values.url, ...(key !== undefined && { key }) };
  const response = await askService(asked, `/v1/models/${id}/${command}`, { method: "POST" });
  const { state, message, error } = (await response.json()) as Answer;
  if (!response.ok) throw new Error(error?.message ?? `${response.status}`);
  process.stdout.write(`${id}: ${message ?? state}\n`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
