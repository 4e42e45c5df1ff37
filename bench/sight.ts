/**
 * What a model reads from pictures: words of random letters and names of colours, a few of which test/model-server/sight.test.ts asks.
 *
 * The projector is written for the model, in closed form: a wrong answer is the model's own, or the engine's.
 */
import { parseArgs } from "node:util";
import { TestEngine } from "../services/model-server/fixtures/engine.ts";
import { questions, writeProjectorFor } from "../test/support/seeing-smollm2.ts";
import { smollm2Path } from "../test/support/smollm2.ts";
import { TemporaryFolder } from "../test/support/temporary-folder.ts";

const SLOTS = 4;
const ENOUGH = 0.98;

const { values } = parseArgs({
  options: {
    model: { type: "string" },
    threads: { type: "string", default: "2" },
    pictures: { type: "string", default: "200" },
    seed: { type: "string", default: "1" },
  },
});

await using folder = await TemporaryFolder.create();
const weightsPath = values.model ?? (await smollm2Path());
const projectorPath = folder.file("mmproj.gguf");
await writeProjectorFor(weightsPath, projectorPath);
const options = { slots: SLOTS, contextTokens: 1024, threads: Number(values.threads) };
const engine = await TestEngine.load(weightsPath, options, { projectorPath });
const asked = questions(Number(values.seed), Number(values.pictures));
const wrong: string[] = [];
await Promise.all(
  asked.map(async ({ messages, pictures, answer }) => {
    const { texts, error } = await engine.ask({
      prompts: [{ kind: "chat", messages, pictures }],
      maxTokens: 20,
      ignoreEos: false,
    });
    const said = error?.message ?? texts[0]?.trim();
    if (said !== answer) wrong.push(`${answer}: ${said}`);
  }),
);
for (const one of wrong) console.log(one);
const right = asked.length - wrong.length;
console.log(`${right} of ${asked.length} pictures were read`);
process.exit(right >= ENOUGH * asked.length ? 0 : 1);
