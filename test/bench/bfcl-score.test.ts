import assert from "node:assert/strict";
import { test } from "node:test";
import { difference, scoreRows, share, weighted } from "../../bench/bfcl/score.ts";

const inThousandths = ({ low, high }: { low: number; high: number }) =>
  [low, high].map((one) => Number(one.toFixed(4)));
const of = (category: string, ours: boolean) => ({ category, ours, theirs: !ours });
const pairs = (count: number, ours: boolean, theirs: boolean) =>
  Array.from({ length: count }, () => ({ ours, theirs }));

// The intervals that Newcombe published of these (Statistics in Medicine, 1998).
for (const [right, all, published] of [
  [81, 263, [0.2553, 0.3662]],
  [15, 148, [0.0624, 0.1605]],
  [0, 20, [0, 0.1611]],
  [1, 29, [0.0061, 0.1718]],
] as const) {
  test(`${right} of ${all} is as certain as Wilson says`, () => {
    assert.deepEqual(inThousandths(share(right, all)), published);
  });
}

test("a difference on the same questions is as certain as Newcombe says", () => {
  const answers = [...pairs(36, true, true), ...pairs(12, true, false), ...pairs(2, false, true)];
  assert.deepEqual(inThousandths(difference(answers)), [0.0569, 0.3404]);
});

test("a sum of independent parts is more certain than they are", () => {
  const part = share(5, 10);
  const mean = weighted([0.5, 0.5], [part, part]);
  assert.equal(mean.value, 0.5);
  assert.ok(mean.low > part.low && mean.high < part.high);
});

test("three languages of simple calls count as much as each of the other categories", () => {
  const rows = scoreRows([
    of("simple_python", true),
    of("simple_java", false),
    of("simple_javascript", false),
    of("multiple", true),
    of("parallel", false),
    of("parallel_multiple", false),
  ]);
  const score = rows.at(-1);
  assert.equal(score?.["category"], "non-live AST");
  assert.match(String(score["model server"]), /^33\.3 /);
  assert.match(String(score["llama-server"]), /^66\.7 /);
});

test("without a category there is no score", () => {
  const rows = scoreRows([{ category: "multiple", ours: true, theirs: false }]);
  assert.deepEqual(
    rows.map(({ category }) => category),
    ["multiple"],
  );
});
