import assert from "node:assert/strict";
import { test } from "node:test";
import { Template } from "@huggingface/jinja";
import { JinjaTemplate } from "./jinja.ts";

const DOUBLING = "{% set ns = namespace(value=start) %}{% for _ in range(60) %}";

for (const [what, source, message] of [
  ["ranges", "{{ range(500000000) | length }}", /range of more than 100000/],
  ["ranges without an end", "{{ range(1, 2, 0) | length }}", /range of more than 100000/],
  [
    "texts",
    `${DOUBLING}{% set ns.value = ns.value ~ ns.value %}{% endfor %}`,
    /text of more than 67108864/,
  ],
  [
    "lists",
    `${DOUBLING}{% set ns.value = ns.value + ns.value %}{% endfor %}`,
    /list of more than 1000000/,
  ],
] as const) {
  test(`a template makes no ${what} that take all the memory there is`, () => {
    const start = what === "lists" ? ["a"] : "a";
    assert.throws(() => new JinjaTemplate(source).render({ start }), message);
  });
}

test("a range is what the library's is", () => {
  for (const range of [
    "range(5)",
    "range(2, 5)",
    "range(5, 2, -1)",
    "range(2, 9, 3)",
    "range(0)",
  ]) {
    const source = `{{ ${range} | join(',') }}`;
    assert.equal(new JinjaTemplate(source).render({}), new Template(source).render({}));
  }
});

function read(format: string): string {
  return new JinjaTemplate(`{{ strftime_now("${format}") }}`).render({});
}

test("a template reads the calendar", () => {
  assert.match(
    read("%d %B %Y, %A %H:%M:%S %% %q"),
    /^\d\d [A-Z]\w+ 20\d\d, \w+day \d\d:\d\d:\d\d % %q$/,
  );
  assert.equal(read("%d %b %Y"), new Template(`{{ strftime_now("%d %b %Y") }}`).render({}));
});

test("names of Jinja's own cannot be given another meaning, nor are others taken", () => {
  assert.throws(
    () => new JinjaTemplate("x").render({ range: 1 }),
    /^SyntaxError: Variable already declared: range/,
  );
  assert.equal(new JinjaTemplate("{{ toString }}").render({ toString: "mine" }), "mine");
});
