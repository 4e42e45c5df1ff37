/**
 * Every public template that llama.cpp collects, against Python's jinja2 as transformers sets it up: what that renders comes
 * out the same here, to the character. The templates are in node-llama-cpp's copy of llama.cpp's sources.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { CONVERSATIONS } from "./fixtures/conversations.ts";
import { parseTemplate, renderTemplate } from "./template.ts";

const JINJA2 = "jinja2==3.1.6";
const NOW = "2026-07-25T13:05:09";
const OUTPUT_MAX_BYTES = 1024 ** 3;

type Rendered = { readonly text: string } | { readonly error: string };
type Case = {
  readonly name: string;
  readonly source: string;
  readonly variables: Readonly<Record<string, unknown>>;
};

suite("Python's jinja2", { timeout: 600_000 }, () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "jinja-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  function templates(): { readonly name: string; readonly source: string }[] {
    const llama = join(import.meta.dirname, "../../node_modules/node-llama-cpp");
    const bundle = join(llama, "llama/gitRelease.bundle");
    const checkout = join(folder, "sources");
    git("clone", "--quiet", "--no-checkout", bundle, checkout);
    git("-C", checkout, "checkout", "--quiet", "HEAD", "--", "models/templates");
    const at = join(checkout, "models/templates");
    const names = readdirSync(at).filter((name) => name.endsWith(".jinja"));
    return names.map((name) => ({ name, source: readFileSync(join(at, name), "utf8") }));
  }

  function reference(cases: readonly Case[]): readonly Rendered[] {
    const python = join(folder, "python");
    execFileSync("python3", ["-m", "venv", python]);
    const pip = ["install", "--quiet", "--disable-pip-version-check", JINJA2];
    execFileSync(join(python, "bin/pip"), pip);
    const script = join(import.meta.dirname, "fixtures/reference.py");
    const input = JSON.stringify({ now: NOW, cases });
    const options = { input, maxBuffer: OUTPUT_MAX_BYTES, stdio: "pipe" } as const;
    const output = execFileSync(join(python, "bin/python"), [script], options);
    return JSON.parse(output.toString("utf8")) as Rendered[];
  }

  test("renders every public template as it is rendered here", { timeout: 600_000 }, () => {
    const all = templates();
    assert.ok(all.length > 60, `${all.length} templates`);
    const cases = all.flatMap(({ name, source }) =>
      CONVERSATIONS.map((conversation) => ({
        name: `${name}: ${conversation.name}`,
        source,
        variables: conversation.variables,
      })),
    );
    const expected = reference(cases);
    const parsed = new Map(all.map(({ source }) => [source, parseTemplate(source)]));
    const differing: string[] = [];
    let equal = 0;
    for (const [at, { name, source, variables }] of cases.entries()) {
      const wanted = expected[at];
      // What that refuses is the template's own refusal, or something that is allowed here beyond it.
      if (wanted === undefined || "error" in wanted) continue;
      const template = parsed.get(source);
      assert.ok(template);
      const text = attempt(() => renderTemplate(template, variables, { now: new Date(NOW) }));
      if (text === wanted.text) equal += 1;
      else differing.push(name);
    }
    assert.deepEqual(differing, []);
    assert.ok(equal > 5000, `${equal} conversations`);
  });
});

function attempt(render: () => string): string {
  try {
    return render();
  } catch (error) {
    return String(error);
  }
}

function git(...args: readonly string[]): void {
  execFileSync("git", args, { stdio: "pipe" });
}
