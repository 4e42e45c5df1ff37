import assert from "node:assert/strict";
import { test } from "node:test";
import type { Constraint } from "@localmodel/inference/constraint.ts";
import type {
  ReasoningFacts,
  TemplateFacts,
} from "@localmodel/localmodel/contracts/template-facts.ts";
import { resolveReasoning, withLead } from "./reasoning.ts";

const THINKS: ReasoningFacts = {
  begin: "<think>",
  end: "</think>",
  answerBegins: [],
  answerMark: "</think>",
  closing: "\n</think>\n\n",
  offPrefix: "",
  opens: { default: true, on: true, off: false, effort: true },
  inControlTokens: false,
  field: "reasoning_content",
};
const BY_ITSELF = { ...THINKS, opens: { default: false, on: false, off: false, effort: false } };
const ANSWER: Constraint = { grammar: { language: { kind: "text", text: "Yes." } } };

function resolved(
  reasoning: ReasoningFacts | undefined,
  asked: { constraint?: Constraint; reasoningTokens?: number; templateVariables?: object } = {},
) {
  const { templateVariables = {}, ...rest } = asked;
  const prompt = {
    kind: "chat" as const,
    messages: [],
    templateVariables: templateVariables as Record<string, unknown>,
  };
  const template = { ...(reasoning && { reasoning }) } as TemplateFacts;
  return resolveReasoning({ prompts: [prompt], ...rest }, { template });
}

test("a model that does not reason is asked as it came", () => {
  assert.deepEqual(resolved(undefined, { constraint: ANSWER, reasoningTokens: 5 }), {});
});

const CHANNELS = {
  ...BY_ITSELF,
  answerMark: "<|final|>",
  offPrefix: "<|off|>",
};

for (const [what, reasoning, enable_thinking, lead] of [
  ["the end of reasoning that the template begins", THINKS, true, THINKS.closing],
  ["nothing where the template begins none", THINKS, false, ""],
  ["nothing where the model begins to reason itself", BY_ITSELF, true, ""],
  ["its channel", CHANNELS, true, "<|final|>"],
  ["what says that there is no reasoning", CHANNELS, false, "<|off|>"],
] as const) {
  test(`before an answer that has begun stands ${what}`, () => {
    const templateVariables = { enable_thinking };
    const begun = { text: "So" };
    const prompt = { kind: "chat" as const, messages: [], templateVariables, begun };
    const template = { reasoning } as unknown as TemplateFacts;
    assert.deepEqual(withLead(prompt, { template }), { ...prompt, begun: { ...begun, lead } });
    assert.deepEqual(resolveReasoning({ prompts: [prompt], reasoningTokens: 3 }, { template }), {});
  });
}

test("a form is that of the answer behind the reasoning", () => {
  const { constraint } = resolved(THINKS, { constraint: ANSWER });
  assert.deepEqual(constraint?.grammar?.begins, {
    after: [{ text: "</think>" }],
    isRequired: true,
  });
  const bySelf = resolved(BY_ITSELF, { constraint: ANSWER });
  assert.equal(bySelf.constraint?.grammar?.begins?.opening, "<think>");
});

test("no call begins in what a model thinks, also where it was told not to", () => {
  const mayCall: Constraint = {
    grammar: { language: { kind: "text", text: "call" }, begins: { after: [{ text: "call" }] } },
  };
  const thoughts = { begins: ["<think>"], end: "</think>" };
  for (const [reasoning, enable_thinking, areOpen] of [
    [THINKS, true, true],
    [THINKS, false, false],
    [BY_ITSELF, true, false],
  ] as const) {
    const templateVariables = { enable_thinking };
    const { constraint } = resolved(reasoning, { constraint: mayCall, templateVariables });
    assert.deepEqual(constraint?.grammar?.begins?.thoughts, { ...thoughts, areOpen });
  }
});

test("a budget puts the end where the model does not, and a beginning where it may not think", () => {
  const cutoff = { tokens: 5, markers: ["</think>"], text: "\n</think>\n\n" };
  assert.deepEqual(resolved(THINKS, { reasoningTokens: 5 }).constraint, { cutoff });
  assert.deepEqual(resolved(BY_ITSELF, { reasoningTokens: 5 }).constraint, {
    prefix: "<think>",
    cutoff,
  });
});

test("what the answer begins with waits for the end of reasoning that the prompt has begun", () => {
  const forced: Constraint = { ...ANSWER, prefix: "Y" };
  assert.equal(resolved(THINKS, { constraint: forced }).constraint?.prefix, undefined);
  assert.deepEqual(resolved(BY_ITSELF, { constraint: forced }).constraint, forced);
});

test("no reasoning is the template's to see to, or is closed before the answer", () => {
  const templateVariables = { enable_thinking: false };
  assert.deepEqual(resolved(THINKS, { constraint: ANSWER, templateVariables }).constraint, ANSWER);
  const stubborn = { ...THINKS, offPrefix: "</think>" };
  const { constraint } = resolved(stubborn, { constraint: ANSWER, templateVariables });
  assert.equal(constraint?.prefix, "</think>");
  assert.deepEqual(constraint.grammar?.begins, { after: [{ text: "</think>" }], isRequired: true });
});

test("tags that are control tokens are told of", () => {
  assert.equal(resolved({ ...THINKS, inControlTokens: true }).reportsPieces, true);
  assert.equal(resolved(THINKS).reportsPieces, undefined);
});

test("the engine knows what is thought, so that no stop string ends it", () => {
  const thinking = { begin: "<think>", end: "</think>", answerBegins: [] };
  assert.deepEqual(resolved(THINKS).thinking, { ...thinking, startsInside: true });
  const parts = { answerEnd: "<|end|>", partBegin: "<|start|>" };
  assert.deepEqual(resolved({ ...BY_ITSELF, ...parts }).thinking, {
    ...thinking,
    ...parts,
    startsInside: false,
  });
});
