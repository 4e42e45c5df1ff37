/**
 * The process that decodes, and what happens to it. `PICTURES_MUTATED` is how many damaged files of all formats together
 * it is given.
 */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { seededRandom } from "../../../test/support/seeded-random.ts";
import { mp3Of, tone, wavOf } from "../../../test/support/sounds.ts";
import { TemporaryFolder } from "../../../test/support/temporary-folder.ts";
import { writeFile } from "node:fs/promises";
import { flat, LOSSLESS, LOSSY, RGB } from "../fixtures/sample-images.ts";
import { DecoderError, FileError } from "../problem.ts";
import { Decoder } from "./decoder.ts";

const MUTATED = Number(process.env["PICTURES_MUTATED"] ?? 500);
const ANY_SIZE = 1_000_000;
const HEARD = { sampleRate: 16_000, maxSeconds: 60 };
const { signal } = new AbortController();

const codeOf = async (result: Promise<unknown>): Promise<string> => {
  try {
    await result;
    return "decoded";
  } catch (error) {
    assert.ok(error instanceof FileError, String(error));
    return error.problem.code;
  }
};

test("files are decoded by another process, many at a time and each as it is", async () => {
  using decoder = new Decoder();
  const [png, text, red] = await Promise.allSettled([
    decoder.decode(await LOSSLESS.png(), ANY_SIZE, signal),
    decoder.decode(Buffer.from("text"), ANY_SIZE, signal),
    decoder.decode(await flat(2, 1), ANY_SIZE, signal),
  ]);
  assert.ok(png.status === "fulfilled" && red.status === "fulfilled");
  assert.equal(text.status, "rejected");
  assert.equal(Buffer.from(png.value.rgb).toString("hex"), Buffer.from(RGB).toString("hex"));
  assert.equal(Buffer.from(red.value.rgb).toString("hex"), "ff0000ff0000");
});

test("sounds are decoded by that process, too", async () => {
  using decoder = new Decoder();
  const wav = wavOf(tone(440, 0.5, 16_000), 16_000);
  const [whole, half, mp3] = await Promise.allSettled([
    decoder.decodeSound(wav, HEARD, signal),
    decoder.decodeSound(wav.subarray(0, 5000), HEARD, signal),
    decoder.decodeSound(mp3Of(20, 1), HEARD, signal),
  ]);
  assert.ok(whole.status === "fulfilled" && mp3.status === "fulfilled");
  assert.equal(half.status, "rejected");
  assert.equal(whole.value.samples.length, 8000);
  assert.ok(mp3.value.samples.some((sample) => sample !== 0));
});

test("who has gone is not decoded for", async () => {
  using decoder = new Decoder();
  const gone = AbortSignal.abort(new Error("gone"));
  await assert.rejects(decoder.decode(await LOSSLESS.png(), ANY_SIZE, gone), /gone/);
});

const child = (body: string) => `process.on("message", ({ id, file }) => {
  if (Buffer.from(file).toString() === "bad") { ${body} }
  else process.send({ id, problem: { code: "image_parse_error", message: "as asked" } });
});
process.send({ ready: true });`;

suite("a decoder that a file leads astray", () => {
  const ways = {
    dies: ["process.abort()", "image_parse_error", /breaks the decoder/],
    hangs: ["for (;;);", "image_parse_error", /too long/],
    "takes too much memory": ["process.exit(86)", "image_too_large", /memory/],
  } as const;
  for (const [way, [body, code, words]] of Object.entries(ways)) {
    test(`that ${way}: the file is refused, and the next one is decoded`, async () => {
      await using folder = await TemporaryFolder.create();
      const main = folder.file("child.mjs");
      await writeFile(main, child(body));
      using decoder = new Decoder({ main, deadline: { beatMs: 100, beats: 80 } });
      const bad = decoder.decode(Buffer.from("bad"), ANY_SIZE, signal);
      const next = decoder.decode(Buffer.from("next"), ANY_SIZE, signal);
      await assert.rejects(bad, ({ problem }: FileError) => {
        assert.equal(problem.code, code);
        assert.match(problem.message, words);
        return true;
      });
      await assert.rejects(next, /as asked/);
    });
  }
});

suite("a decoder that fails by itself", () => {
  const failures: readonly [name: string, main: string, words: RegExp][] = [
    ["is killed from outside", child('process.kill(process.pid, "SIGKILL");'), /outside.*SIGKILL/],
    ["is ended with the others", child('process.kill(process.pid, "SIGTERM");'), /SIGTERM/],
    ["cannot be loaded", 'import "./nowhere.mjs";', /before it began \(1\)/],
  ];
  for (const [name, source, words] of failures) {
    test(`that ${name}: no file is to blame`, async () => {
      await using folder = await TemporaryFolder.create();
      const main = folder.file("child.mjs");
      await writeFile(main, source);
      using decoder = new Decoder({ main });
      const bad = decoder.decode(Buffer.from("bad"), ANY_SIZE, signal);
      await assert.rejects(bad, (error: Error) => {
        assert.ok(error instanceof DecoderError, String(error));
        assert.match(error.message, words);
        return true;
      });
      await writeFile(main, child(""));
      await assert.rejects(decoder.decode(Buffer.from("next"), ANY_SIZE, signal), /as asked/);
    });
  }
});

test(`of ${MUTATED} damaged files each is decoded or refused, and the decoder reads on`, async () => {
  using decoder = new Decoder();
  const random = seededRandom(20_251_129);
  const images = await Promise.all(
    [...Object.values(LOSSLESS), ...Object.values(LOSSY)].map((file) => file()),
  );
  const sounds = [wavOf(tone(440, 0.2, 8000), 8000), mp3Of(6, 1)];
  const kinds = [
    ...images.map((file) => ({
      file,
      decode: (bytes: Buffer): Promise<unknown> => decoder.decode(bytes, ANY_SIZE, signal),
    })),
    ...sounds.map((file) => ({
      file,
      decode: (bytes: Buffer): Promise<unknown> => decoder.decodeSound(bytes, HEARD, signal),
    })),
  ];
  const seen = new Map<string, number>();
  for (let count = 0; count < MUTATED; count++) {
    const kind = kinds[count % kinds.length];
    if (kind === undefined) break;
    const code = await codeOf(kind.decode(mutated(kind.file, random)));
    seen.set(code, (seen.get(code) ?? 0) + 1);
  }
  for (const code of ["image_parse_error", "audio_parse_error", "decoded"]) {
    assert.ok((seen.get(code) ?? 0) > 0, code);
  }
  const { rgb } = await decoder.decode(await LOSSLESS.png(), ANY_SIZE, signal);
  assert.equal(Buffer.from(rgb).toString("hex"), Buffer.from(RGB).toString("hex"));
});

/** Some bytes changed, cut out, doubled, or all behind a place left out. */
function mutated(file: Buffer, random: () => number): Buffer {
  let bytes = Buffer.from(file);
  for (let change = 0; change <= random() * 6; change++) {
    const at = Math.floor(random() * bytes.length);
    const kind = Math.floor(random() * 5);
    if (kind <= 1) bytes[at] = Math.floor(random() * 256);
    else if (kind === 2) bytes[at] = [0, 255, 127, 128][Math.floor(random() * 4)] ?? 0;
    else if (kind === 3) {
      const end = at + Math.floor(random() * 16);
      bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
    } else if (random() < 0.3) bytes = bytes.subarray(0, at);
    else bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - 8))]);
  }
  return bytes;
}
