/** From files to samples: every kind of file that is read, what comes out, and what is refused. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import {
  MP3_FRAME_SAMPLES,
  MP3_RATE,
  mp3Of,
  tone,
  wavOf,
  wavWith,
} from "../../../test/support/sounds.ts";
import { FileError } from "../problem.ts";
import { decodeSound } from "./decode-sound.ts";
import { resampled } from "./resample.ts";

const RATE = 16_000;
const WANTED = { sampleRate: RATE, maxSeconds: 600 };
const HALF = { encoding: 1, channels: 1, sampleRate: RATE, bits: 16 };

async function refusal(file: Uint8Array, wanted = WANTED) {
  const error: unknown = await decodeSound(file, wanted).then(
    () => "it was decoded",
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof FileError, String(error));
  return error.problem;
}

async function hashOfTone(hertz: number): Promise<string> {
  return (await decodeSound(wavOf(tone(hertz, 0.2, RATE), RATE), WANTED)).sha256;
}

/** How loud the swing is, as an amplitude. */
function loudness(samples: Float32Array, hertz: number, sampleRate: number): number {
  let [real, imaginary] = [0, 0];
  for (const [index, sample] of samples.entries()) {
    const angle = (2 * Math.PI * hertz * index) / sampleRate;
    real += sample * Math.cos(angle);
    imaginary += sample * Math.sin(angle);
  }
  return (2 * Math.hypot(real, imaginary)) / samples.length;
}

suite("a WAV file", () => {
  const write: Record<string, [bits: number, encoding: number, put: (value: number) => Buffer]> = {
    "of 8 bits": [8, 1, (value) => Buffer.from([Math.round(value * 127) + 128])],
    "of 16 bits": [16, 1, (value) => whole(value, 16)],
    "of 24 bits": [24, 1, (value) => whole(value, 24)],
    "of 32 bits": [32, 1, (value) => whole(value, 32)],
    "of floats": [32, 3, (value) => Buffer.from(Float32Array.of(value).buffer)],
    "of long floats": [64, 3, (value) => Buffer.from(Float64Array.of(value).buffer)],
  };
  for (const [name, [bits, encoding, put]] of Object.entries(write)) {
    test(`${name} is the samples in it, and of two channels their mean`, async () => {
      const samples = tone(440, 0.2, RATE);
      for (const channels of [1, 2]) {
        const data = Buffer.concat(
          [...samples].flatMap((one) => [put(one), put(one / 2)].slice(0, channels)),
        );
        const found = await decodeSound(
          wavWith(data, { ...HALF, encoding, channels, bits }),
          WANTED,
        );
        const scale = channels === 1 ? 1 : 0.75;
        assert.equal(found.samples.length, samples.length);
        const furthest = Math.max(
          ...samples.map((one, at) => Math.abs(one * scale - (found.samples[at] ?? NaN))),
        );
        assert.ok(furthest < 0.01, `off by ${furthest}`);
      }
    });
  }

  test("that was written to a pipe goes on to its end", async () => {
    const data = wavOf(tone(440, 0.5, RATE), RATE).subarray(44);
    for (const told of [0, 0xffff_ffff]) {
      const { samples } = await decodeSound(wavWith(data, HALF, told), WANTED);
      assert.equal(samples.length, RATE / 2);
    }
  });

  test("has the same hash for the same samples, and another for others", async () => {
    assert.equal(await hashOfTone(440), await hashOfTone(440));
    assert.notEqual(await hashOfTone(440), await hashOfTone(441));
  });

  const wrong: [name: string, file: Buffer, code: string, words: RegExp][] = [
    [
      "that is cut off",
      wavOf(tone(440, 1, RATE), RATE).subarray(0, 20_000),
      "audio_parse_error",
      /32000 bytes of samples, and has 19956/,
    ],
    [
      "without samples",
      wavOf(new Float32Array(), RATE).subarray(0, 36),
      "audio_parse_error",
      /no samples/,
    ],
    [
      "that ends in its head",
      Buffer.from("RIFF\0\0\0\0WAVEfmt "),
      "audio_parse_error",
      /does not say/,
    ],
    [
      "of a compressed kind",
      wavWith(Buffer.alloc(4000), { ...HALF, encoding: 2, bits: 4 }),
      "invalid_audio_format",
      /format 2, 4 bits.*PCM/,
    ],
    [
      "of no channels",
      wavWith(Buffer.alloc(4000), { ...HALF, channels: 0 }),
      "invalid_audio_format",
      /0 channels/,
    ],
    [
      "of too many channels",
      wavWith(Buffer.alloc(4000), { ...HALF, channels: 65_535 }),
      "invalid_audio_format",
      /65535 channels/,
    ],
    [
      "of a rate of 0",
      wavWith(Buffer.alloc(4000), { ...HALF, sampleRate: 0 }),
      "invalid_audio_format",
      /of 0 samples/,
    ],
    [
      "of a rate beyond all",
      wavWith(Buffer.alloc(4000), { ...HALF, sampleRate: 4e9 }),
      "invalid_audio_format",
      /4000000000 samples/,
    ],
    ["that is too short", wavOf(tone(440, 0.05, RATE), RATE), "audio_too_short", /0\.050 seconds/],
    [
      "with what is no number",
      wavWith(Buffer.from(new Float32Array(8000).fill(NaN).buffer), {
        ...HALF,
        encoding: 3,
        bits: 32,
      }),
      "audio_parse_error",
      /no number/,
    ],
  ];
  for (const [name, file, code, words] of wrong) {
    test(`${name} is refused`, async () => {
      const problem = await refusal(file);
      assert.equal(problem.code, code);
      assert.match(problem.message, words);
    });
  }

  test("that is longer than there is room for is refused by its head", async () => {
    const hours = wavWith(Buffer.alloc(2 ** 20), { ...HALF, sampleRate: 8000, bits: 8 });
    const problem = await refusal(hours, { ...WANTED, maxSeconds: 100 });
    assert.equal(problem.code, "audio_too_large");
    assert.match(problem.message, /longer than 100 seconds/);
  });
});

suite("an MP3 file", () => {
  const FRAMES = 40;
  const file = mp3Of(FRAMES, 1);

  test("is as long as its frames, and not silent", async () => {
    const { samples } = await decodeSound(file, WANTED);
    const wanted = (FRAMES * MP3_FRAME_SAMPLES * RATE) / MP3_RATE;
    assert.ok(Math.abs(samples.length - wanted) <= 1);
    assert.ok(Math.max(...samples) > 0.001);
  });

  test("is the same behind tags, and with rubbish between its frames", async () => {
    const { sha256 } = await decodeSound(file, WANTED);
    const tag = Buffer.concat([
      Buffer.from("ID3\x04\0\0\0\0\x01\x00", "latin1"),
      Buffer.alloc(128),
    ]);
    const end = Buffer.concat([Buffer.from("TAG"), Buffer.alloc(125)]);
    const tagged = await decodeSound(Buffer.concat([tag, file, end]), WANTED);
    assert.equal(tagged.sha256, sha256);
  });

  test("of another noise is other samples", async () => {
    const [one, other] = [
      await decodeSound(file, WANTED),
      await decodeSound(mp3Of(FRAMES, 2), WANTED),
    ];
    assert.notEqual(one.sha256, other.sha256);
  });

  const wrong: [name: string, file: Buffer, code: string, words: RegExp][] = [
    ["that is cut off", file.subarray(0, 5000), "audio_parse_error", /last frame is not whole/],
    [
      "of a tag alone",
      Buffer.from("ID3\x04\0\0\0\0\0\0", "latin1"),
      "audio_parse_error",
      /no frames/,
    ],
    [
      "that is something else after its beginning",
      Buffer.concat([file, Buffer.alloc(100_000)]),
      "audio_parse_error",
      /something else/,
    ],
    [
      "whose rate changes",
      Buffer.concat([file, changed(mp3Of(1, 1), 2, 0x94)]),
      "audio_parse_error",
      /rate changes|not whole/,
    ],
  ];
  for (const [name, bytes, code, words] of wrong) {
    test(`${name} is refused`, async () => {
      const problem = await refusal(bytes);
      assert.equal(problem.code, code);
      assert.match(problem.message, words);
    });
  }

  test("that is longer than there is room for is refused by its frames", async () => {
    const problem = await refusal(mp3Of(400, 1), { ...WANTED, maxSeconds: 10 });
    assert.equal(problem.code, "audio_too_large");
  });
});

test("what is neither is refused by what it is", async () => {
  assert.equal((await refusal(Buffer.alloc(0))).code, "empty_audio_file");
  for (const [bytes, words] of [
    ["OggS", /Ogg.*WAV or MP3/],
    ["%PDF-1.7", /a PDF/],
    ["hello", /WAV or MP3/],
  ] as const) {
    const problem = await refusal(Buffer.from(bytes));
    assert.equal(problem.code, "invalid_audio_format");
    assert.match(problem.message, words);
  }
});

test("at another rate a tone is the same tone, and what that rate cannot have is gone", () => {
  for (const [from, to] of [
    [44_100, 16_000],
    [8000, 16_000],
    [48_000, 24_000],
  ] as const) {
    const low = resampled(tone(1000, 0.5, from), from, to);
    assert.ok(Math.abs(loudness(low, 1000, to) - 0.5) < 0.02);
    assert.ok(Math.abs(low.length - to / 2) <= 1);
  }
  const high = resampled(tone(15_000, 0.5, 44_100), 44_100, 16_000);
  assert.ok(Math.max(...high.subarray(100, -100).map(Math.abs)) < 0.01);
});

test("silence and steadiness stay what they are at every rate", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 8000, max: 192_000 }),
      fc.integer({ min: 8000, max: 48_000 }),
      fc.float({ min: -1, max: 1, noNaN: true }),
      (from, to, level) => {
        const made = resampled(new Float32Array(4000).fill(level), from, to);
        const middle = made[Math.floor(made.length / 2)] ?? NaN;
        assert.ok(Math.abs(middle - level) < 1e-3);
      },
    ),
    { numRuns: 30 },
  );
});

function whole(value: number, bits: number): Buffer {
  const bytes = Buffer.alloc(bits / 8);
  bytes.writeIntLE(Math.round(value * (2 ** (bits - 1) - 1)), 0, bits / 8);
  return bytes;
}

function changed(bytes: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = value;
  return copy;
}
