import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ggml_log_level } from "../generated/constants.ts";
import { LogLines, offloadedOf, reservationOf } from "./log-lines.ts";

const { INFO, WARN, ERROR, CONT } = ggml_log_level;

test("pieces become lines, with the function that wrote them apart", () => {
  const lines = new LogLines();
  assert.deepEqual(lines.push(INFO, "load_tensors: loading"), []);
  assert.deepEqual(lines.push(CONT, "..."), []);
  assert.deepEqual(lines.push(CONT, " done\n\n"), [
    { level: "info", component: "load_tensors", message: "loading... done" },
  ]);
  assert.deepEqual(lines.push(WARN, "one\ntwo: 2\n"), [
    { level: "warn", component: undefined, message: "one" },
    { level: "warn", component: "two", message: "2" },
  ]);
});

test("a line that is left open ends where another begins", () => {
  const lines = new LogLines();
  lines.push(INFO, "loading .....");
  assert.deepEqual(lines.push(ERROR, "out of memory\n"), [
    { level: "info", component: undefined, message: "loading ....." },
    { level: "error", component: undefined, message: "out of memory" },
  ]);
});

test("an evaluation that nobody wants any more is no error, and one that failed is", () => {
  const lines = new LogLines();
  const levelOf = (text: string) => lines.push(ERROR, `${text}\n`)[0]?.level;
  for (const [line, number] of [
    ["graph_compute: ggml_backend_sched_graph_compute_async failed with error", 1],
    ["process_ubatch: failed to compute graph, compute status:", 1],
    ["llama_decode: failed to decode, ret =", 2],
  ]) {
    assert.equal(levelOf(`${line} ${number}`), "debug");
    assert.equal(levelOf(`${line} -3`), "error");
  }
});

test("where a text is cut makes no difference to its lines", () => {
  const texts = fc.array(fc.stringMatching(/^[a-z]{1,9}$/), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(texts, fc.array(fc.nat(60)), (messages, cuts) => {
      const text = messages.map((message) => `${message}\n`).join("");
      const ends = [...cuts.map((cut) => cut % text.length), text.length].toSorted((a, b) => a - b);
      const lines = new LogLines();
      let start = 0;
      const found = ends.flatMap((end, index) => {
        const piece = text.slice(start, end);
        start = end;
        return lines.push(index === 0 ? INFO : CONT, piece);
      });
      assert.deepEqual(
        found.map(({ message }) => message),
        messages,
      );
    }),
  );
});

test("what llama.cpp reserves is read from its lines", () => {
  assert.deepEqual(read("load_tensors:   CPU_Mapped model buffer size =    92.10 MiB\n"), [
    { buffer: "CPU_Mapped", purpose: "weights", bytes: Math.round(92.1 * 2 ** 20) },
  ]);
  assert.deepEqual(read("llama_kv_cache:      CUDA0 KV buffer size =   512.00 MiB\n"), [
    { buffer: "CUDA0", purpose: "kvCache", bytes: 2 ** 29 },
  ]);
  assert.deepEqual(read("print_info: file size   = 92.10 MiB (5.74 BPW)\n"), [undefined]);
});

test("how many layers are on devices is read from its line", () => {
  const [line] = new LogLines().push(INFO, "load_tensors: offloaded 25/33 layers to GPU\n");
  assert.ok(line !== undefined);
  assert.deepEqual(offloadedOf(line), { layers: 25, ofLayers: 33 });
  const [other] = new LogLines().push(
    INFO,
    "load_tensors: offloading 24 repeating layers to GPU\n",
  );
  assert.ok(other !== undefined);
  assert.equal(offloadedOf(other), undefined);
});

function read(text: string) {
  return new LogLines().push(INFO, text).map(reservationOf);
}
