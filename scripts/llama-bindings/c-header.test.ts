import assert from "node:assert/strict";
import { test } from "node:test";
import { readHeaders } from "./c-header.ts";

const HEADER = `
#ifdef __cplusplus
extern "C" {
#endif
#define LIMIT 0x10u // not more
#define NAME "text"
/* typedef int32_t commented_out; */
typedef int32_t token;
typedef struct thing_i * thing_t;
typedef struct thing_i thing_i;
enum kind {
    KIND_NONE = -1, // nothing; at all
    KIND_SOME = 1 << 3,
    KIND_NEXT,
    KIND_LAST = KIND_SOME,
};
typedef bool (*progress_callback)(float progress, void * user_data);
struct params {
    enum kind kind;
    const char * name;
    struct thing_i * other;
    progress_callback callback;
    bool mask[LIMIT];
};
struct with_union { union { int a; float b; }; };
LLAMA_API struct params default_params(void);
LLAMA_API  const  float  *  get_row(
        const struct thing_i * thing,
                       const int32_t i);
DEPRECATED(LLAMA_API int old(void), "use get_row; really");
`;

test("a header's declarations are read, and its comments, directives and deprecated functions are not", () => {
  const header = readHeaders([HEADER]);
  assert.deepEqual(Object.fromEntries(header.constants), {
    LIMIT: 16,
    KIND_NONE: -1,
    KIND_SOME: 8,
    KIND_NEXT: 9,
    KIND_LAST: 8,
  });
  assert.deepEqual(header.enums.get("kind"), ["KIND_NONE", "KIND_SOME", "KIND_NEXT", "KIND_LAST"]);
  assert.deepEqual(Object.fromEntries(header.aliases), { token: "int32_t", thing_t: "thing_i *" });
  assert.deepEqual(header.structs.get("params"), [
    { name: "kind", type: "kind" },
    { name: "name", type: "const char *" },
    { name: "other", type: "thing_i *" },
    { name: "callback", type: "progress_callback" },
    { name: "mask", type: "bool[LIMIT]" },
  ]);
  assert.equal(header.structs.has("with_union"), false);
  assert.deepEqual(header.callbacks.get("progress_callback"), {
    result: "bool",
    parameters: [
      { name: "progress", type: "float" },
      { name: "user_data", type: "void *" },
    ],
  });
  assert.deepEqual([...header.functions.keys()], ["default_params", "get_row"]);
  assert.deepEqual(header.functions.get("get_row"), {
    result: "const float *",
    parameters: [
      { name: "thing", type: "const thing_i *" },
      { name: "i", type: "int32_t" },
    ],
  });
});

test("an enumerator whose value cannot be read is refused, not guessed", () => {
  assert.throws(() => readHeaders(["enum kind { KIND = sizeof(int) };"]), /sizeof\(int\)/);
});
