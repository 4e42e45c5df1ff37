import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { partOf, throttled, type WeightsProgress } from "./progress.ts";
import { barLine, plainLine } from "./progress-line.ts";
import { progressReporter } from "./progress-reporter.ts";
import { formatBytes, formatDuration, formatRate } from "./units.ts";

function recorder(options: { isTTY: boolean; columns?: number; label?: string }) {
  let written = "";
  let nowMs = 0;
  const stream = { write: (text: string) => (written += text) };
  const reporter = progressReporter(stream, { ...options, now: () => nowMs });
  return {
    reporter,
    /** Downloads evenly: one event per second. */
    run(totalBytes: number, events: number) {
      for (let index = 0; index <= events; index += 1) {
        const receivedBytes = Math.round((totalBytes * index) / events);
        reporter.report({ phase: "downloading", receivedBytes, totalBytes });
        nowMs += 1000;
      }
    },
    written: () => written,
  };
}

test("without a terminal there is one line per tenth, with rate and time left", () => {
  const it = recorder({ isTTY: false, label: "smollm2" });
  it.run(100_000_000, 50);
  const lines = it.written().trimEnd().split("\n");
  assert.equal(lines.length, 11);
  assert.equal(lines[0], "smollm2: Downloading:   0% of 100 MB");
  assert.equal(lines[5], "smollm2: Downloading:  50% of 100 MB, 2.00 MB/s, 25 s left");
  assert.equal(lines[10], "smollm2: Downloading: 100% of 100 MB, 2.00 MB/s");
});

test("without a total there is a line per quarter gigabyte", () => {
  const it = recorder({ isTTY: false });
  for (let receivedBytes = 0; receivedBytes <= 1e9; receivedBytes += 1e7) {
    it.reporter.report({ phase: "downloading", receivedBytes });
  }
  assert.equal(it.written().trimEnd().split("\n").length, 5);
});

test("on a terminal one line is redrawn, and left when it is complete", () => {
  const it = recorder({ isTTY: true, columns: 80 });
  it.run(100_000_000, 4);
  const frames = it.written().split("\r\u001b[K");
  assert.equal(frames.length, 6);
  assert.match(
    frames[3] ?? "",
    /^Downloading \[#{10,20}-{10,20}\] {2}50% of 100 MB, 25\.0 MB\/s, 2 s left$/,
  );
  assert.match(frames[5] ?? "", /^Downloading \[#+\] 100% of 100 MB, 25\.0 MB\/s\n$/);
});

test("a bar that is abandoned leaves the terminal on a fresh line, once", () => {
  const it = recorder({ isTTY: true });
  it.reporter.report({ phase: "downloading", receivedBytes: 1, totalBytes: 2 });
  it.reporter[Symbol.dispose]();
  it.reporter[Symbol.dispose]();
  assert.match(it.written(), /[^\n]\n$/);
});

test("a line never gets wider than the terminal", () => {
  const events = fc.record({
    phase: fc.constantFrom("waiting", "downloading", "unpacking", "verifying" as const),
    receivedBytes: fc.nat(1e12),
    totalBytes: fc.nat(1e12),
  });
  const property = fc.property(
    events,
    fc.nat(1e9),
    fc.integer({ min: 1, max: 200 }),
    (event, rate, columns) => {
      assert.ok(barLine(event, rate, columns).length <= columns);
    },
  );
  fc.assert(property);
});

test("bytes that were there before are no speed", () => {
  const written: string[] = [];
  let nowMs = 0;
  const reporter = progressReporter(
    { write: (text: string) => written.push(text) },
    { isTTY: false, now: () => nowMs },
  );
  reporter.report({ phase: "downloading", receivedBytes: 900, totalBytes: 1000 });
  nowMs += 1000;
  reporter.report({ phase: "downloading", receivedBytes: 1000, totalBytes: 1000 });
  assert.match(written.at(-1) ?? "", /, 100 B\/s\n$/);
});

test("each phase, and each part, is named", () => {
  const event = { phase: "waiting", receivedBytes: 5, totalBytes: 10, part: 2, parts: 3 } as const;
  assert.equal(
    plainLine(event, undefined),
    "Waiting for another download part 2 of 3:  50% of 10 B",
  );
});

test("events are thinned out, but never the first or last of a phase", () => {
  const seen: WeightsProgress[] = [];
  let nowMs = 0;
  const report = throttled(
    (event) => seen.push(event),
    () => nowMs,
  );
  for (let receivedBytes = 0; receivedBytes <= 1000; receivedBytes += 1) {
    report({ phase: "downloading", receivedBytes, totalBytes: 1000 });
    nowMs += 1;
  }
  report({ phase: "verifying", receivedBytes: 0, totalBytes: 1000 });
  assert.equal(seen.length, 12);
  assert.equal(seen.at(-2)?.receivedBytes, 1000);
  assert.equal(seen.at(-1)?.phase, "verifying");
});

test("the progress of a part is told as that of all, as far as sizes are known", () => {
  const seen: WeightsProgress[] = [];
  const report = (sizes: (number | undefined)[]) =>
    partOf((event) => seen.push(event), { index: 1, sizes })({
      phase: "downloading",
      receivedBytes: 5,
    });
  report([100, 50, 25]);
  report([100, 50, undefined]);
  assert.deepEqual(seen, [
    { phase: "downloading", receivedBytes: 105, totalBytes: 175, part: 2, parts: 3 },
    { phase: "downloading", receivedBytes: 105, part: 2, parts: 3 },
  ]);
});

test("sizes, rates and times read well at every magnitude", () => {
  const sizes = [0, 999, 1000, 98_362_432, 999_949_999, 999_950_000, 4.92e9, 10 ** 15];
  assert.deepEqual(sizes.map(formatBytes), [
    "0 B",
    "999 B",
    "1.00 kB",
    "98.4 MB",
    "1000 MB",
    "1.00 GB",
    "4.92 GB",
    "1.00 PB",
  ]);
  assert.equal(formatRate(31_000_000), "31.0 MB/s");
  assert.deepEqual([400, 59_000, 200_000, 7_500_000].map(formatDuration), [
    "0 s",
    "59 s",
    "3 min 20 s",
    "2 h 5 min",
  ]);
});
