import assert from "node:assert/strict";
import { test } from "node:test";
import { patternProblem } from "./tensor-pattern.ts";

test("what people write of tensors' names is read", () => {
  for (const pattern of [
    String.raw`\.ffn_(up|down|gate)_exps\.`,
    String.raw`\b(1?[0-9])\.ffn_(?:up|down)`,
    String.raw`^blk\.(?!0\.)\d{1,2}\.attn_[^qk]\w*\.weight$`,
    String.raw`[-a-c\d_]+?x{2}y{1,}z{1,3}?|output`,
    "ffn_.*=?",
  ]) {
    assert.equal(patternProblem(pattern), undefined, pattern);
  }
});

test("what C++ does not know is refused, since llama.cpp would end the process over it", () => {
  for (const pattern of [
    String.raw`(?<=blk)\.`,
    "(?<!blk)",
    "(?<layer>blk)",
    "(?i:BLK)",
    "a{",
    "a{1,b}",
    "}",
    "(?!a)*b",
    String.raw`[\d-z]`,
    String.raw`\1`,
    String.raw`\x6`,
    "[[:alpha:]]",
    "[]",
    "((a{99}){99}){99}",
    "é",
  ]) {
    assert.match(patternProblem(pattern) ?? "", /C\+\+ may not read/, pattern);
  }
});

test("what is no regular expression is told as such", () => {
  assert.match(patternProblem("blk\\.[") ?? "", /^is no regular expression: .*Unterminated/);
});
