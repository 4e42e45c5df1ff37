import assert from "node:assert/strict";
import { test } from "node:test";
import { LIMITS } from "./meter.ts";
import { parseTemplate, renderTemplate } from "./template.ts";

function render(source: string, variables: Readonly<Record<string, unknown>> = {}): string {
  return renderTemplate(parseTemplate(source), variables);
}

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
  ["repeated texts", "{{ 'x' * 99999999999 }}", /text of more than/],
  ["repeated lists", "{{ [1] * 99999999999 }}", /list of more than/],
  ["wide texts", "{{ '%99999999999d' % 1 }}", /text of more than/],
  ["wide columns", "{{ 'x'.ljust(99999999999) }}", /text of more than/],
  ["indents", "{{ 'x' | indent(99999999999) }}", /text of more than/],
  ["replacements", "{{ ('x' * 9999999).replace('x', 'y' * 9999999) }}", /text of more than/],
  ["joined texts", "{{ range(99999) | join('x' * 9999999) }}", /text of more than/],
  ["integers", "{{ 9 ** 999999999 }}", /number of more than|text of more than/],
  ["outputs", "{% for _ in range(99999) %}{{ 'x' * 999999 }}{% endfor %}", /text of more than/],
] as const) {
  test(`a template makes no ${what} that take all the memory there is`, () => {
    assert.throws(() => render(source, { start: what === "lists" ? ["a"] : "a" }), message);
  });
}

test("a template that goes on for ever is ended by its number of steps", () => {
  const source = `{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}`;
  const limits = { ...LIMITS, steps: 100_000 };
  assert.throws(
    () => renderTemplate(parseTemplate(source), {}, { limits }),
    /takes more than 100000 steps/,
  );
});

test("a macro that calls itself for ever is ended by its depth", () => {
  assert.throws(
    () => render("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"),
    /more than 200 levels/,
  );
});

test("a source that nests without an end is no template", () => {
  assert.throws(
    () => parseTemplate(`{{ ${"(".repeat(999)}1${")".repeat(999)} }}`),
    /more than 100 levels/,
  );
  assert.throws(() => parseTemplate("{% if a %}".repeat(99_999)), /more than 100 levels/);
});

for (const source of [
  "{% for %}",
  "{{ 'a }}",
  "{% if a %}",
  "{{ a",
  "{% nothing %}",
  "{{ a b }}",
  "{# a",
]) {
  test(`${source} is no template`, () => {
    assert.throws(() => parseTemplate(source), { name: "Error", message: /line 1|nests/ });
  });
}

test("nothing outside of the template can be reached", () => {
  for (const source of [
    "{{ ''.constructor }}",
    "{{ [].__class__ }}",
    "{{ {}.__proto__ }}",
    "{{ {}.constructor }}",
    "{{ 'constructor' | float('') }}",
    "{{ namespace.constructor }}",
    "{{ toString }}",
    "{{ x.hasOwnProperty }}",
  ]) {
    assert.equal(render(source, { x: {} }), "", source);
  }
});

test("what a template raises is its message", () => {
  assert.throws(() => render("{{ raise_exception('No ' ~ 'way.') }}"), { message: "No way." });
});

test("a template reads the calendar", () => {
  const now = new Date(2026, 6, 5, 13, 4, 9);
  const read = (format: string) =>
    renderTemplate(parseTemplate(`{{ strftime_now("${format}") }}`), {}, { now });
  assert.equal(
    read("%d %B %Y, %A %H:%M:%S %% %q, %b %a %-d %I %p %j"),
    "05 July 2026, Sunday 13:04:09 % %q, Jul Sun 5 01 PM 186",
  );
});

test("a list can be appended to, without which some public models could not chat", () => {
  assert.equal(render("{% set l = [] %}{% set _ = l.append(1) %}{{ l }}"), "[1]");
});
