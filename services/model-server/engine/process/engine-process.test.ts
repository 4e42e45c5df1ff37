/** The engine process for real: a child with llama.cpp that is fed, hurt and stopped. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  appendFile,
  copyFile,
  mkdir,
  readFile,
  rename,
  stat,
  utimes,
  writeFile,
} from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { after, before, suite, test, type TestContext } from "node:test";
import {
  ServerConfig,
  type ServerConfigInput,
} from "@localmodel/localmodel/contracts/server-config.ts";
import type { ServerState } from "@localmodel/localmodel/contracts/server-state.ts";
import { Failure, PROMPT_FIELD } from "@localmodel/inference/failure.ts";
import type { GenerateEvent, GenerateRequest } from "@localmodel/inference/generate.ts";
import { createLogger } from "@localmodel/service/log/log.ts";
import { fingerprintOf } from "@localmodel/weights/cache/fingerprint.ts";
import {
  writeAborting,
  writeHtml,
  writeTruncated,
} from "../../../../test/support/broken-models.ts";
import { isRunning } from "../../../../test/support/process-tree.ts";
import { TemporaryFolder } from "../../../../test/support/temporary-folder.ts";
import {
  writeTinyChatModel,
  writeTinyEmbeddingModel,
} from "../../../../test/support/tiny-models.ts";
import { GREEDY } from "../../fixtures/sampling.ts";
import { Cgroup } from "../machine/cgroup.ts";
import { forkEngine } from "./engine-child.ts";
import { EngineProcess, restartPauseMs } from "./engine-process.ts";
import { MemoryKills } from "./memory-kill.ts";

/** A bound for a wait in vain. */
const PATIENCE = { timeout: 30_000 };

const FULL_DEVICE_ENGINE = fileURLToPath(
  new URL("../../fixtures/full-device-engine.ts", import.meta.url),
);

const NEVER = new AbortController().signal;
const REQUEST: GenerateRequest = {
  prompts: [{ kind: "text", text: "Once" }],
  choicesPerPrompt: 1,
  maxTokens: 4,
  sampling: GREEDY,
  stop: [],
  echo: false,
  ignoreEos: true,
  tenant: "",
};

suite("the engine process", { timeout: 120_000 }, () => {
  let folder: TemporaryFolder;
  let chatModel: string;

  before(async () => {
    folder = await TemporaryFolder.create();
    chatModel = folder.file("chat.gguf");
    await writeTinyChatModel(chatModel);
  });
  after(() => folder[Symbol.asyncDispose]());

  test("loads, tells its progress, and generates", async (t) => {
    const states: string[] = [];
    const engine = start(t, chatModel);
    engine.onState(({ state }) => states.push(state));
    await assert.rejects(collect(engine, REQUEST), { status: 503, code: "model_loading" });
    await become(engine, "ready");
    assert.equal((await collect(engine, REQUEST)).at(-1)?.type, "done");
    assert.deepEqual([...new Set(states)].toSorted(), ["loading", "ready"]);
  });

  test("fails what runs when it is killed, at once and retryable, and serves again", async (t) => {
    const engine = start(t, chatModel);
    await become(engine, "ready");
    const seen: GenerateEvent[] = [];
    const stream = collect(engine, { ...REQUEST, maxTokens: 2000 }, seen);
    const queued = Array.from({ length: 6 }, () =>
      collect(engine, { ...REQUEST, maxTokens: 2000 }),
    );
    await t.waitFor(() => assert.ok(seen.some(({ type }) => type === "delta")), PATIENCE);
    const firstChild = engine.processId ?? 0;
    process.kill(firstChild, "SIGKILL");
    for (const request of [stream, ...queued]) {
      await assert.rejects(request, (error) => {
        assert.ok(error instanceof Failure);
        assert.equal(error.status, 503);
        const { retry } = error.data;
        assert.ok(typeof retry === "object" && retry.afterSeconds >= 1);
        return true;
      });
    }
    assert.equal(engine.state.state, "restarting");
    await become(engine, "ready");
    assert.notEqual(engine.processId, firstChild);
    assert.equal((await collect(engine, REQUEST)).at(-1)?.type, "done");
  });

  test("pauses longer after every death in a row, within a bound", () => {
    const pauses = Array.from({ length: 20 }, (_, index) => restartPauseMs(index + 1));
    assert.deepEqual(pauses.slice(0, 3), [100, 200, 400]);
    assert.equal(pauses.at(-1), 30_000);
  });

  test("ends a generation when its signal is aborted, and frees its slot", async (t) => {
    const engine = start(t, chatModel, { slots: 1 });
    await become(engine, "ready");
    const gone = new AbortController();
    const seen: GenerateEvent[] = [];
    const left = collect(engine, { ...REQUEST, maxTokens: 2000 }, seen, gone.signal);
    await t.waitFor(() => assert.ok(seen.some(({ type }) => type === "delta")), PATIENCE);
    gone.abort(new Error("hung up"));
    await assert.rejects(left, /hung up/u);
    assert.equal((await collect(engine, REQUEST)).at(-1)?.type, "done");
  });

  test("takes no more requests while it drains, and finishes the open ones", async (t) => {
    const engine = start(t, chatModel);
    await become(engine, "ready");
    const open = collect(engine, { ...REQUEST, maxTokens: 300 });
    engine.drain();
    await assert.rejects(collect(engine, REQUEST), { status: 503 });
    assert.equal((await open).at(-1)?.type, "done");
    const child = engine.processId ?? 0;
    await engine.stop();
    assert.equal(isRunning(child), false);
  });

  test("embeds: unit vectors, one per input, similar for similar inputs", async (t) => {
    const path = folder.file("embedding.gguf");
    await writeTinyEmbeddingModel(path);
    const engine = start(t, path);
    await become(engine, "ready");
    const events = await Array.fromAsync(
      engine.ask("embed", { inputs: ["hello", "hello", [5, 6]] }, NEVER),
    );
    const vectors = events.flatMap((event) => (event.type === "vectors" ? event.vectors : []));
    const [{ promptTokens } = { promptTokens: 0 }] = events.flatMap((event) =>
      event.type === "done" ? [event.usage] : [],
    );
    assert.equal(vectors.length, 3);
    assert.deepEqual(vectors[0], vectors[1]);
    assert.notDeepEqual(vectors[0], vectors[2]);
    for (const vector of vectors) assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-5);
    assert.ok(promptTokens >= 6);
    const tooLong = engine.ask("embed", { inputs: ["word ".repeat(5000)] }, NEVER);
    await assert.rejects(Array.fromAsync(tooLong), {
      status: 400,
      code: "context_length_exceeded",
      field: PROMPT_FIELD,
    });
  });

  for (const { name, write, reason, message } of [
    {
      name: "a web page",
      write: (path: string) => writeHtml(path),
      reason: "NotAGguf",
      message: /not a GGUF/u,
    },
    {
      name: "a file cut off in the middle",
      write: (path: string) => writeTruncated(path, chatModel, 0.5),
      reason: "LoadFailed",
      message: /./u,
    },
  ]) {
    test(`says why it cannot load ${name}, and does not try again`, async (t) => {
      const path = folder.file(`${name}.gguf`);
      await write(path);
      const engine = start(t, path);
      const state = await become(engine, "failed");
      assert.ok(state.state === "failed");
      assert.equal(state.reason, reason);
      assert.match(state.message, message);
      await t.waitFor(() => assert.equal(engine.processId, undefined), PATIENCE);
    });
  }

  test("a kill for want of memory is survived once, and then told with numbers", async (t) => {
    const cgroup = folder.file("cgroup");
    await mkdir(cgroup);
    const kills = (count: number) => writeFile(`${cgroup}/memory.events`, `oom_kill ${count}\n`);
    await writeFile(`${cgroup}/memory.max`, "1073741824\n");
    await writeFile(`${cgroup}/memory.peak`, "1073000000\n");
    await kills(1);
    const memoryKills = new MemoryKills(new Cgroup(cgroup));
    const engine = start(t, chatModel, {}, { memoryKills });
    await become(engine, "ready");
    await kills(2);
    process.kill(engine.processId ?? 0, "SIGKILL");
    const first = await become(engine, "restarting");
    assert.match(first.message, /want of memory.*1\.00 GiB.*; it is being restarted/u);
    await become(engine, "ready");
    await kills(3);
    process.kill(engine.processId ?? 0, "SIGKILL");
    const state = await become(engine, "failed");
    assert.ok(state.state === "failed");
    assert.equal(state.reason, "OutOfMemory");
    assert.match(
      state.message,
      /may use 1\.00 GiB and has used 1\.00 GiB\. Raise the memory limit/u,
    );
  });

  test("a file that was replaced is not loaded again, and one that was only touched is", async (t) => {
    const path = folder.file("pinned.gguf");
    await copyFile(chatModel, path);
    const sha256 = createHash("sha256")
      .update(await readFile(path))
      .digest("hex");
    const fingerprint = fingerprintOf(await stat(path, { bigint: true }));
    const engine = startWith(t, {
      weightsPath: path,
      pinnedFiles: [{ path, sha256, fingerprint }],
    });
    await become(engine, "ready");
    await utimes(path, new Date(), new Date());
    process.kill(engine.processId ?? 0, "SIGKILL");
    await become(engine, "restarting");
    await become(engine, "ready");
    // As whoever replaces files does it: the old one stays where it is mapped.
    await writeTinyChatModel(folder.file("other.gguf"));
    await appendFile(folder.file("other.gguf"), "x");
    await rename(folder.file("other.gguf"), path);
    process.kill(engine.processId ?? 0, "SIGKILL");
    const state = await become(engine, "failed");
    assert.ok(state.state === "failed");
    assert.equal(state.reason, "ChecksumMismatch");
    assert.match(state.message, /pinned\.gguf has been changed since it was verified/);
  });

  test("a kill for want of memory while loading is told at once", async (t) => {
    const cgroup = folder.file("cgroup-of-loading");
    await mkdir(`${cgroup}/memory`, { recursive: true });
    const memoryKills = new MemoryKills(new Cgroup(cgroup));
    const engine = start(t, chatModel, {}, { memoryKills });
    await writeFile(`${cgroup}/memory/memory.oom_control`, "under_oom 0\noom_kill 1\n");
    process.kill(engine.processId ?? 0, "SIGKILL");
    const state = await become(engine, "failed");
    assert.equal(state.state === "failed" && state.reason, "OutOfMemory");
  });

  test("one that hangs ends what it was asked, says so, and is replaced", async (t) => {
    const silence = { loadingBeats: 60, readyBeats: 3 };
    const engine = start(t, chatModel, {}, { silence });
    await become(engine, "ready");
    const hung = engine.processId ?? 0;
    const seen: GenerateEvent[] = [];
    const stream = collect(engine, { ...REQUEST, maxTokens: 2000 }, seen);
    await t.waitFor(() => assert.ok(seen.some(({ type }) => type === "delta")), PATIENCE);
    process.kill(hung, "SIGSTOP");
    await assert.rejects(stream, {
      code: "engine_error",
      message: "The engine has not answered for 3 s; it is being restarted.",
    });
    assert.match(engine.state.message, /has not answered for 3 s; it is being restarted/u);
    await become(engine, "ready");
    assert.notEqual(engine.processId, hung);
    assert.equal(isRunning(hung), false);
  });

  test("one that dies whenever it loads is not started for ever, and its last words are told", async (t) => {
    const path = folder.file("aborting.gguf");
    await writeAborting(path);
    const state = await become(start(t, path), "failed");
    assert.ok(state.state === "failed");
    assert.equal(state.reason, "LoadFailed");
    assert.match(state.message, /died \(SIGABRT\) every time it loaded.*GGML_ASSERT\(.*\) failed/u);
  });

  test("one that may sleep, and whose device others hold, sleeps until it is tried again", async (t) => {
    const child = forkEngine(FULL_DEVICE_ENGINE);
    const files = { weightsPath: chatModel, sleepAfterSeconds: 60 };
    const engine = startWith(t, files, { child });
    const asleep = await become(engine, "asleep");
    assert.ok(asleep.state === "asleep");
    assert.equal(asleep.problem?.reason, "VramTooSmall");
    assert.match(asleep.message, /1\.0 GiB are free\. The device is shared/u);
    assert.equal(asleep.model, undefined);
    await assert.rejects(collect(engine, REQUEST), { status: 503, code: "model_loading" });
    engine.wake();
    await become(engine, "ready");
    assert.equal((await collect(engine, REQUEST)).at(-1)?.type, "done");
  });

  test("one that never sleeps fails where others hold its device", async (t) => {
    const child = forkEngine(FULL_DEVICE_ENGINE);
    const state = await become(start(t, chatModel, {}, { child }), "failed");
    assert.ok(state.state === "failed");
    assert.equal(state.reason, "VramTooSmall");
  });

  test("says that a context does not fit into memory", async (t) => {
    const engine = start(t, chatModel, { contextTokens: 16_777_216, slots: 256 });
    const state = await become(engine, "failed");
    assert.ok(state.state === "failed");
    assert.equal(state.reason, "DoesNotFit");
    assert.match(state.message, /256 × 16777216/u);
  });
});

function start(
  t: TestContext,
  weightsPath: string,
  engine: Partial<ServerConfig["engine"]> = {},
  options: ConstructorParameters<typeof EngineProcess>[2] = {},
): EngineProcess {
  return startWith(t, { weightsPath, engine }, options);
}

function startWith(
  t: TestContext,
  {
    engine,
    ...given
  }: Pick<ServerConfigInput, "engine" | "pinnedFiles" | "weightsPath"> &
    Pick<ServerConfigInput, "sleepAfterSeconds">,
  options: ConstructorParameters<typeof EngineProcess>[2] = {},
): EngineProcess {
  const input: ServerConfigInput = {
    modelId: "test",
    createdSeconds: 0,
    ...given,
    engine: { gpuLayers: 0, threads: 1, slots: 4, ...engine },
  };
  const log = createLogger("test", { level: "error" });
  const started = new EngineProcess(ServerConfig.parse(input), log, options);
  t.after(() => started.stop());
  return started;
}

function become(engine: EngineProcess, wanted: ServerState["state"]): Promise<ServerState> {
  const { promise, resolve, reject } = Promise.withResolvers<ServerState>();
  const look = (state: ServerState): void => {
    if (state.state === wanted) resolve(state);
    else if (state.state === "failed") reject(new Error(state.message));
  };
  engine.onState(look);
  look(engine.state);
  return promise;
}

async function collect(
  engine: EngineProcess,
  request: GenerateRequest,
  seen: GenerateEvent[] = [],
  signal: AbortSignal = NEVER,
): Promise<GenerateEvent[]> {
  for await (const event of engine.ask("generate", request, signal)) seen.push(event);
  return seen;
}
