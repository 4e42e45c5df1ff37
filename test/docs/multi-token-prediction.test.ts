/** What the page says of layers that predict several tokens holds for the release of llama.cpp that is here: an update may end it. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { llamaRelease, readLlamaSources } from "../../scripts/llama-bindings/llama-sources.ts";

const REPOSITORY = join(import.meta.dirname, "..", "..");
/** What such layers are fed with. */
const HIDDEN_STATE = /llama_(?:set|get)_embeddings_nextn/;

test("layers that predict several tokens cannot be used by what llama.h promises, as documented", async () => {
  const page = await readFile(join(REPOSITORY, "docs/engine.md"), "utf8");
  assert.ok(page.includes(`bundled (${llamaRelease().release}) loads`));
  const [promised = "", inProgress = ""] = readLlamaSources(["include/llama.h", "src/llama-ext.h"]);
  assert.match(promised, /bool load_mtp;[^]*enum llama_context_type +ctx_type;/);
  assert.doesNotMatch(promised, HIDDEN_STATE);
  assert.match(inProgress, HIDDEN_STATE);
});
