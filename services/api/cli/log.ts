/**
 * `npm run log`: what the models really receive and answer, while it runs.
 */
import { parseArgs } from "node:util";
import { readLog } from "./read-log.ts";
import { pretty } from "./pretty-log.ts";

const USAGE = `Usage: npm run log [-- options]

Shows each request as the model receives it, with its template applied, and what
it answered, until Ctrl-C. Nothing is kept when nobody looks.

Options:
  --model ID   only of this model (default: of all)
  --url URL    the endpoint (default http://127.0.0.1:1234)
  --json       one JSON object a line
  -h, --help   print this

A service with keys wants one with \`admin: true\` in LOCALMODEL_API_KEY.
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      model: { type: "string" },
      url: { type: "string", default: "http://127.0.0.1:1234" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const key = process.env["LOCALMODEL_API_KEY"];
  const asked = {
    url: values.url,
    ...(values.model !== undefined && { model: values.model }),
    ...(key !== undefined && { key }),
  };
  for await (const event of readLog(asked)) {
    process.stdout.write(values.json ? `${JSON.stringify(event)}\n` : pretty(event));
  }
  throw new Error("the service has ended the log");
}

// `npm run log | head`
process.stdout.on("error", () => process.exit(0));
try {
  await main();
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
