import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import * as fc from "fast-check";
import { createLogger, debugOnSignal, LINE_MAX_CHARACTERS, type LogOptions } from "./log.ts";

/** A bound for a wait in vain. */
const PATIENCE = { timeout: 30_000 };

function capture(options: LogOptions = {}) {
  const lines: string[] = [];
  const stream = { write: (line: string) => lines.push(line) };
  return {
    lines,
    log: createLogger("test", { stream, format: "json", level: "info", ...options }),
  };
}

function parsed(line: string | undefined): Record<string, unknown> {
  return JSON.parse(line ?? "") as Record<string, unknown>;
}

test("a line is one JSON object with time, level, service, message and the fields of every child", () => {
  const { lines, log } = capture();
  log.child({ model: "a" }).child({ port: 1 }).info("listening", { port: 2 });
  const { time, ...rest } = parsed(lines[0]);
  assert.match(String(time), /^\d{4}-.*Z$/);
  assert.deepEqual(rest, {
    level: "info",
    service: "test",
    message: "listening",
    model: "a",
    port: 2,
  });
});

test("fields cannot pretend to be the time, level, service or message", () => {
  const { lines, log } = capture();
  log.warn("real", { message: "fake", level: "debug", service: "other", time: "never" });
  const line = parsed(lines[0]);
  assert.deepEqual([line["message"], line["level"], line["service"]], ["real", "warn", "test"]);
  assert.notEqual(line["time"], "never");
});

test("lines below the level are not written", () => {
  const { lines, log } = capture({ level: "warn" });
  log.debug("a");
  log.info("b");
  log.warn("c");
  log.error("d");
  assert.deepEqual(
    lines.map((line) => parsed(line)["message"]),
    ["c", "d"],
  );
});

test("an error is logged with its stack, its code and its causes", () => {
  const { lines, log } = capture();
  const cause = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
  log.error("failed", { error: new TypeError("no answer", { cause }) });
  const error = parsed(lines[0])["error"] as {
    error: string;
    cause: { error: string; code: string };
  };
  assert.match(error.error, /^TypeError: no answer\n\s+at /);
  assert.equal(error.cause.code, "ECONNREFUSED");
});

test("nothing that is passed as a field breaks logging or makes a line long", () => {
  const cyclic: Record<string, unknown> = { name: "cyclic" };
  cyclic["self"] = cyclic;
  const hostile = {
    get trap(): never {
      throw new Error("a trap");
    },
  };
  const wide = Array.from({ length: 100_000 }, (_, index) => ({ index }));
  const proxy = new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error("no keys");
      },
    },
  );
  const values = [
    cyclic,
    hostile,
    wide,
    proxy,
    "x".repeat(1e6),
    10n,
    Symbol("s"),
    () => 0,
    NaN,
    undefined,
  ];
  for (const format of ["json", "pretty"] as const) {
    const { lines, log } = capture({ format });
    for (const value of values) log.info("hostile", { value });
    assert.equal(lines.length, values.length);
    for (const line of lines) assert.ok(line.length <= LINE_MAX_CHARACTERS + 1, `${line.length}`);
  }
});

test("whatever is logged is exactly one line of valid JSON within the bound", () => {
  const { lines, log } = capture();
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 5000 }), fc.anything(), (message, value) => {
      lines.length = 0;
      log.info(message, { value });
      assert.equal(lines.length, 1);
      const [line = ""] = lines;
      assert.equal(line.indexOf("\n"), line.length - 1);
      assert.ok(line.length <= LINE_MAX_CHARACTERS + 1);
      assert.equal(typeof parsed(lines[0])["message"], "string");
    }),
  );
});

test("control characters reach a terminal escaped", () => {
  const { lines, log } = capture({ format: "pretty" });
  log.info("a\u001b[2Jb\nc", { path: "/\u0007" });
  assert.doesNotMatch(lines[0]!.slice(0, -1), /\p{Cc}/u);
  assert.match(lines[0]!, /INFO {2}test: a\\x1b\[2Jb\\x0ac path=/);
});

test("a reader that goes away does not end the service", async () => {
  const stream = new PassThrough();
  const log = createLogger("test", { stream, level: "info", format: "json" });
  stream.destroy(new Error("write EPIPE"));
  log.info("nobody reads this");
  await new Promise(setImmediate);
});

test("a signal has everything logged, and the next one what was logged before", async (t) => {
  const { lines, log } = capture({ level: "warn" });
  // Node's test runner has its processes write reports at this signal.
  process.report.reportOnSignal = false;
  debugOnSignal(log);
  t.after(() => process.removeAllListeners("SIGUSR2"));
  const child = log.child({ model: "a" });
  child.debug("hidden");
  for (const level of ["debug", "warn"]) {
    process.kill(process.pid, "SIGUSR2");
    await t.waitFor(
      () => assert.equal(parsed(lines.at(-1))["message"], `the log level is ${level} now`),
      PATIENCE,
    );
    child.debug(`debug while ${level}`);
  }
  const messages = lines.map((line) => parsed(line)["message"]);
  assert.deepEqual(messages, [
    "the log level is debug now",
    "debug while debug",
    "the log level is warn now",
  ]);
});
