import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PROMPT_FIELD } from "@localmodel/inference/failure.ts";
import type { TemplateMessage } from "@localmodel/inference/generate.ts";
import { arrangements } from "./arranged-messages.ts";
import { textOf } from "@localmodel/inference/picture.ts";
import { ChatTemplate } from "./chat-template.ts";

const TOKENS = { bosText: "<s>", eosText: "</s>", controlTexts: ["<s>", "</s>"] };
const system = (content: string): TemplateMessage => ({ role: "system", content });
const user = (content: string): TemplateMessage => ({ role: "user", content });
const assistant = (content: string): TemplateMessage => ({ role: "assistant", content });

const BODY = `{% for m in messages %}[{{ m.role }}] {{ m.content }} {% endfor %}`;
const ALTERNATES = `{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}
{{- raise_exception('roles must alternate') }}{% endif %}{% endfor %}`;
const NO_SYSTEM = `{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}`;
const SILENT = `{% for m in messages if m.role != 'system' %}[{{ m.role }}] {{ m.content }} {% endfor %}`;

function rendered(source: string, messages: readonly TemplateMessage[], strict = false): string {
  const templateVariables = strict ? { merge_messages: false } : {};
  const segments = new ChatTemplate(source, TOKENS).render({ messages, templateVariables });
  return segments.map(({ text }) => text).join("");
}

test("what the system says goes to the user's turn where a template refuses or drops it", () => {
  const messages = [system("Be brief."), user("Hi"), assistant("Yes?"), user("Bye")];
  const merged = "[user] Be brief.\n\nHi [assistant] Yes? [user] Bye ";
  assert.equal(rendered(NO_SYSTEM + ALTERNATES + BODY, messages), merged);
  assert.equal(rendered(SILENT, messages), merged);
  assert.match(rendered(BODY, messages), /^\[system\] Be brief\. \[user\] Hi/);
});

test("neighbours of a role become one where a template wants them to alternate", () => {
  const messages = [user("One"), user("two"), assistant("a"), assistant("b"), user("three")];
  assert.equal(
    rendered(ALTERNATES + BODY, messages),
    "[user] One\n\ntwo [assistant] a\n\nb [user] three ",
  );
  assert.match(rendered(BODY, messages), /^\[user\] One \[user\] two/);
});

test("a request that asks for it has its messages taken as they are, or refused", () => {
  const messages = [system("Be brief."), user("Hi")];
  assert.throws(() => rendered(NO_SYSTEM + BODY, messages, true), {
    status: 400,
    field: PROMPT_FIELD,
    message: /no system/,
  });
  assert.equal(rendered(SILENT, messages, true), "[user] Hi ");
});

test("what no order makes right is refused with what the template says of the messages as they came", () => {
  const messages = [system("Be brief."), assistant("Hello"), user("Hi")];
  assert.throws(() => rendered(ALTERNATES + BODY, messages), /roles must alternate/);
});

test("an arrangement leaves nothing out and keeps the order of what is said", () => {
  const message = fc.record({
    role: fc.constantFrom("system", "user", "assistant", "tool"),
    content: fc.stringMatching(/^[a-z]{1,4}$/),
  });
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 12 }), (messages) => {
      const numbered = messages.map((one, index) => ({
        ...one,
        content: `${index}${one.content}`,
      }));
      for (const arranged of arrangements(numbered)) {
        const said = arranged.flatMap(({ content }) => textOf(content).split("\n\n"));
        assert.deepEqual(said.toSorted(), numbered.map(({ content }) => content).toSorted());
        const others = numbered.filter(({ role }) => role !== "system");
        const places = others.map(({ content }) => said.indexOf(content));
        assert.deepEqual(
          places,
          places.toSorted((a, b) => a - b),
        );
      }
    }),
  );
});
