/**
 * `npm run key -- --name alice`: makes a key, prints it once, and the entry for the file of keys.
 *
 * The key itself is stored nowhere: what the file holds is its hash.
 */
import { parseArgs } from "node:util";
import { keyEntry, newSecret, UsageError } from "./new-key.ts";

const USAGE = `Usage: npm run key -- --name NAME [options]

Makes an API key. Prints the key, which is stored nowhere, and its entry for the
file that \`npm start -- --keys FILE\` reads (see docs/keys.md).

Options:
  --name NAME                whose key it is
  --models GLOBS             models it may use, separated by commas (default: all)
  --requests-per-minute N
  --tokens-per-minute N      of prompts and answers together
  --concurrency N            requests open at the same time
  --expires TIME             such as 2027-01-31 or 2027-01-31T12:00:00Z
  --admin                    may read what others ask: npm run log
  -h, --help                 print this
`;

try {
  const { values } = parseArgs({
    options: {
      name: { type: "string" },
      models: { type: "string" },
      "requests-per-minute": { type: "string" },
      "tokens-per-minute": { type: "string" },
      concurrency: { type: "string" },
      expires: { type: "string" },
      admin: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) process.stdout.write(USAGE);
  else {
    const secret = newSecret();
    const entry = keyEntry(secret, values);
    process.stdout.write(
      `${secret}\n\nKeep it: it is shown this once. Its entry, under \`keys:\`:\n\n${entry}`,
    );
  }
} catch (error) {
  if (!(error instanceof UsageError) && !(error instanceof TypeError)) throw error;
  process.stderr.write(`error: ${error.message}\n\n${USAGE}`);
  process.exitCode = 2;
}
