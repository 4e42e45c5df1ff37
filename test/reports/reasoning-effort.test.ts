/** What templates can know of a request beside its messages. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelServer } from "../support/model-server.ts";
import { postJson } from "../support/raw-request.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";

const TEMPLATE = `{% if reasoning_effort in ["low", "medium"] %}
{{- raise_exception("the effort is " ~ reasoning_effort) }}
{%- endif %}{{ messages[0].content }}`;

test("reasoning_effort reaches the chat template as the variable of that name", async () => {
  await using folder = await TemporaryFolder.create();
  await writeTinyChatModel(folder.file("tiny.gguf"), { chatTemplate: TEMPLATE });
  await using server = await ModelServer.ready({
    weightsPath: folder.file("tiny.gguf"),
    engine: { slots: 1, contextTokens: 64, threads: 1 },
  });
  const answers = [];
  for (const reasoning_effort of ["high", "low", "medium"]) {
    const messages = [{ role: "user", content: "Hi" }];
    const { status, json } = await postJson(`${server.url}/v1/chat/completions`, {
      messages,
      max_tokens: 1,
      reasoning_effort,
    });
    const { error } = json as { error?: { message: string } };
    answers.push([status, /the effort is [a-z ]+/.exec(error?.message ?? "")?.[0]]);
  }
  assert.deepEqual(answers, [
    [200, undefined],
    [400, "the effort is low"],
    [400, "the effort is medium"],
  ]);
});
