/**
 * What pictures do to streams of text that are running: the time between their tokens while pictures are looked at, against
 * the time between their tokens when nobody disturbs them.
 *
 * The encoder has the shape of a real one (SigLIP base); its numbers are noise. A picture is first looked at beside the steps,
 * which is one figure; then its rows are read in steps, as any prompt's tokens are, which is another. They are told apart
 * by asking twice: once until the answer begins, which is when the picture has been looked at, and once for what is known.
 */
import { randomBytes } from "node:crypto";
import sharp from "sharp";
import { readEmbeddingRows } from "../test/support/embedding-rows.ts";
import { ModelServer } from "../test/support/model-server.ts";
import { SIGLIP_BASE, writeRowsProjector } from "../test/support/noise-projectors.ts";
import { TemporaryFolder } from "../test/support/temporary-folder.ts";
import { settings } from "./support/settings.ts";
import { median } from "./support/statistics.ts";
import { printTable } from "./support/table.ts";
import {
  gapP99,
  gapRow,
  untilTokens,
  watchStreams,
  type Window,
} from "./support/watched-streams.ts";

const STREAMS = 4;
const UNDISTURBED_TOKENS = 150;
const SIDE_PIXELS = 256;
const GOAL = 1.5;

const { path, threads, rounds } = await settings(5);
await using folder = await TemporaryFolder.create();
const projectorPath = folder.file("mmproj.gguf");
const { dimensions } = await readEmbeddingRows(path);
await writeRowsProjector(projectorPath, dimensions, SIGLIP_BASE);
await using server = await ModelServer.ready({
  weightsPath: path,
  projectorPath,
  engine: { slots: STREAMS + 1, contextTokens: 4096, threads },
});

/** One that nobody has seen before. */
async function picture(): Promise<string> {
  const raw = { width: SIDE_PIXELS, height: SIDE_PIXELS, channels: 3 } as const;
  const png = await sharp(randomBytes(SIDE_PIXELS ** 2 * 3), { raw })
    .png()
    .toBuffer();
  return `data:image/png;base64,${png.toString("base64")}`;
}

/** Asks about it, until the answer begins or its first token is there. Nothing is asked twice but the picture. */
async function show(url: string, until: "looked at" | "read"): Promise<void> {
  const { data, response } = await server
    .client()
    .chat.completions.create({
      model: server.modelId,
      max_tokens: 1,
      stream: true,
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: until },
            { type: "image_url", image_url: { url } },
          ],
        },
      ],
    })
    .withResponse();
  if (!response.ok) throw new Error(`The server answered ${response.status}`);
  if (until === "looked at") return data.controller.abort();
  for await (const { choices } of data) if (choices.length > 0) seen += 1;
}

let seen = 0;
const alone: Window[] = [];
const looking: Window[] = [];
const reading: Window[] = [];
for (let round = 0; round < rounds; round += 1) {
  const url = await picture();
  alone.push(await watchStreams(server, STREAMS, untilTokens(UNDISTURBED_TOKENS)));
  looking.push(await watchStreams(server, STREAMS, () => show(url, "looked at")));
  reading.push(await watchStreams(server, STREAMS, () => show(url, "read")));
}
if (seen === 0) throw new Error("Nothing was answered about the pictures");

printTable(`Pictures beside ${STREAMS} streams, ${threads} threads, ${rounds} rounds`, [
  gapRow("undisturbed", alone),
  gapRow("a picture is looked at", looking),
  gapRow("a picture is read", reading),
]);
const ratio = (windows: readonly Window[]): string => (gapP99(windows) / gapP99(alone)).toFixed(2);
console.log(`\np99 ratio while a picture is looked at ${ratio(looking)} (<= ${GOAL})`);
console.log(`and while it is read, like any prompt ${ratio(reading)} (<= 3)`);
const durationMs = (windows: readonly Window[]): string =>
  median(windows.map(({ durationMs: ms }) => ms)).toFixed(0);
console.log(`looked at in ${durationMs(looking)} ms, read in ${durationMs(reading)} ms (medians)`);
