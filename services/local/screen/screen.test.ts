import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Screen } from "./screen.ts";

const start = (isTTY: boolean) => {
  const written: string[] = [];
  return {
    written,
    screen: new Screen({ write: (text: string) => written.push(text), isTTY, columns: 80 }),
  };
};

/** What a terminal shows: a carriage return and an erasure clear the line. */
const shown = (written: string[]) =>
  written
    .join("")
    .split("\n")
    .map((line) => line.split("\r\u001b[K").at(-1));

describe("the screen", () => {
  const half = { phase: "downloading", receivedBytes: 50, totalBytes: 100 } as const;
  test("keeps the bar below the lines", () => {
    const { screen, written } = start(true);
    const bar = screen.progress("a");
    bar.report(half);
    screen.print("a line");
    assert.match(shown(written).join("|"), /^a line\|a: Downloading .*50%/);
    bar[Symbol.dispose]();
    screen.print("the end");
    assert.match(shown(written).join("|"), /^a line\|a: Downloading .*50%[^|]*\|the end\|$/);
  });
  test("shows one bar at a time, and the next when it is done", () => {
    const { screen, written } = start(true);
    const [first, second] = [screen.progress("a"), screen.progress("b")];
    first.report(half);
    second.report(half);
    assert.match(shown(written).at(-1) ?? "", /^a: /);
    first.report({ ...half, receivedBytes: 100 });
    assert.match(shown(written).at(-2) ?? "", /^a: .*100%/);
    assert.match(shown(written).at(-1) ?? "", /^b: /);
  });
  test("writes plain lines where there is no terminal", () => {
    const { screen, written } = start(false);
    using bar = screen.progress("a");
    bar.report(half);
    screen.print("a line");
    assert.deepEqual(written, ["a: Downloading:  50% of 100 B\n", "a line\n"]);
  });
});
