/**
 * What a model reads from pictures: words of random letters and names of colours, a few of which test/model-server/sight.test.ts asks.
 *
 * The projector is written for the model, in closed form: a wrong answer is the model's own, or the engine's. With --peer
 * llama-server is asked the same about the same files, and the answers are compared.
 */
import { parseArgs } from "node:util";
import sharp from "sharp";
import { Agent, request } from "undici";
import { type Question, questions, writeProjectorFor } from "../test/support/seeing-smollm2.ts";
import { smollm2Path } from "../test/support/smollm2.ts";
import { TemporaryFolder } from "../test/support/temporary-folder.ts";
import { buildLlamaServer } from "./peer/build-llama-programs.ts";
import { type Side, startLlamaServer, startModelServer } from "./peer/sides.ts";

const SLOTS = 4;
const CONTEXT_TOKENS = 1024;
const ANSWER_TOKENS = 20;
const ENOUGH = 0.98;
/** A picture may take a busy machine minutes, and its slot's others wait for it. */
const PATIENT = new Agent({ headersTimeout: 0, bodyTimeout: 0 });

const { values } = parseArgs({
  options: {
    model: { type: "string" },
    threads: { type: "string", default: "2" },
    pictures: { type: "string", default: "200" },
    seed: { type: "string", default: "1" },
    peer: { type: "boolean", default: false },
  },
});

await using folder = await TemporaryFolder.create();
const path = values.model ?? (await smollm2Path());
const projectorPath = folder.file("mmproj.gguf");
await writeProjectorFor(path, projectorPath);
const asked = questions(Number(values.seed), Number(values.pictures));
const threads = Number(values.threads);
const options = { path, projectorPath, threads, slots: SLOTS, contextTokens: CONTEXT_TOKENS };

const own = await answersOf(await startModelServer(options));
const right = asked.filter(({ answer }, index) => own[index] === answer).length;
for (const [index, { answer }] of asked.entries()) {
  if (own[index] !== answer) console.log(`${answer}: ${own[index]}`);
}
console.log(`${right} of ${asked.length} pictures were read`);
let isGood = right >= ENOUGH * asked.length;
if (values.peer) {
  const program = await buildLlamaServer((line) => console.error(line));
  const theirs = await answersOf(await startLlamaServer(program, options));
  const same = theirs.filter((answer, index) => answer === own[index]).length;
  for (const [index, answer] of theirs.entries()) {
    if (answer !== own[index]) console.log(`llama-server: ${answer}, model server: ${own[index]}`);
  }
  console.log(`${same} of ${asked.length} answers are llama-server's`);
  isGood &&= same >= ENOUGH * asked.length;
}
process.exit(isGood ? 0 : 1);

/** One after the other in each slot; the side ends. */
async function answersOf(side: Side): Promise<readonly string[]> {
  await using running = side;
  const answers: string[] = [];
  const left = asked.entries();
  const work = async (): Promise<void> => {
    for (const [index, question] of left) {
      answers[index] = await ask(running.url, question);
      console.error(`${running.name}: ${index + 1} of ${asked.length}: ${answers[index]}`);
    }
  };
  await Promise.all(Array.from({ length: SLOTS }, work));
  return answers;
}

async function ask(url: string, { messages, pictures }: Question): Promise<string> {
  const urls = await Promise.all(pictures.map(dataUrl));
  const response = await request(`${url}/v1/chat/completions`, {
    dispatcher: PATIENT,
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model: "test-model",
      temperature: 0,
      max_tokens: ANSWER_TOKENS,
      messages: messages.map(({ role, content }) => ({ role, content: partsOf(content, urls) })),
    }),
  });
  const body = (await response.body.json()) as {
    readonly choices?: readonly { readonly message: { readonly content: string } }[];
  };
  return body.choices?.[0]?.message.content.trim() ?? JSON.stringify(body);
}

function partsOf(content: Question["messages"][number]["content"], urls: readonly string[]) {
  if (typeof content === "string") return content;
  return content.map((part) =>
    part.type === "image" ? { type: "image_url", image_url: { url: urls[part.picture] } } : part,
  );
}

async function dataUrl({ rgb, width, height }: Question["pictures"][number]): Promise<string> {
  const png = await sharp(rgb, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  return `data:image/png;base64,${png.toString("base64")}`;
}
