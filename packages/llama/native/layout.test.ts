import assert from "node:assert/strict";
import { suite, test } from "node:test";
import koffi from "koffi";
import { LLAMA_RELEASE } from "../generated/constants.ts";
import { DEFAULTS } from "../fixtures/generated-defaults.ts";
import { STRUCTURES } from "../generated/structures.ts";
import { candidatesFor } from "../library/candidates.ts";
import { visionLibrary } from "../library/vision-library.ts";
import { bindNative, structureBytes } from "./native.ts";
import { NativeMemory } from "./memory.ts";

const [libraries] = candidatesFor(false, process);
const native = bindNative(libraries?.paths ?? []);
const { call } = native;

suite("the generated structures are those of the C library", () => {
  test("the library is of the release that they were generated from", () => {
    // `0.4.0-dev`: built from the release's source by others than its makers.
    assert.equal(`v${call.llama_version()?.split("-")[0]}`, LLAMA_RELEASE);
  });

  const answered = {
    llama_model_default_params: call.llama_model_default_params(),
    llama_context_default_params: call.llama_context_default_params(),
    llama_sampler_chain_default_params: call.llama_sampler_chain_default_params(),
  };
  for (const [name, values] of Object.entries(DEFAULTS)) {
    test(`${name} answers through the binding what its source says`, () => {
      const fields = Object.entries(answered[name as keyof typeof answered]);
      // By number, since the source has other names for some fields.
      assert.deepEqual(
        fields.map(([, value]) => value),
        values,
        fields.map(([field]) => field).join(", "),
      );
    });
  }

  const passesHiddenPointer = process.arch === "x64";
  for (const name of ["llama_model_params", "llama_context_params"] as const) {
    const skip = passesHiddenPointer
      ? false
      : "only x64 passes the result's address as an argument";
    test(`${name} is as long as C writes it`, { skip }, () => {
      // A structure that is returned by value is written to an address that the caller passes, unseen, first.
      const answer = koffi
        .load(libraries?.paths.at(-1) ?? "")
        .func(name.replace("_params", "_default_params"), "void *", ["void *"]);
      assertExtent(
        name,
        writtenBytes((address) => answer(address) as void),
      );
    });
  }

  test("mtmd_context_params is as long as C writes it", { skip: !passesHiddenPointer }, () => {
    const library = visionLibrary();
    assert.ok(library !== undefined, "npm run build:vision makes libmtmd");
    native.bindVision(library);
    const answer = koffi.load(library).func("mtmd_context_params_default", "void *", ["void *"]);
    assertExtent(
      "mtmd_context_params",
      writtenBytes((address) => answer(address) as void),
    );
  });

  test("ggml_backend_dev_props is as long as C writes it", () => {
    call.ggml_backend_load_all_from_path(libraries?.folder ?? "");
    const device = call.ggml_backend_dev_get(0);
    assert.ok(device !== null);
    const written = writtenBytes((address) => call.ggml_backend_dev_get_props(device, address));
    assertExtent("ggml_backend_dev_props", written);
  });

  test("ggml_threadpool_params is as long as C writes it", () => {
    const written = writtenBytes((address) => call.ggml_threadpool_params_init(address, 3));
    assertExtent("ggml_threadpool_params", written);
  });

  test("a chain works on candidates that are laid out as llama_token_data", () => {
    using candidates = new NativeMemory(3 * structureBytes("llama_token_data"));
    using list = new NativeMemory(structureBytes("llama_token_data_array"));
    for (const [index, logit] of [1, 3, 2].entries()) {
      const at = index * structureBytes("llama_token_data");
      koffi.encode(candidates.address, at, "llama_token_data", { id: 10 + index, logit, p: 0 });
    }
    koffi.encode(list.address, "llama_token_data_array", {
      data: candidates.address,
      size: 3,
      selected: -1,
      sorted: false,
    });
    using biases = new NativeMemory(2 * structureBytes("llama_logit_bias"));
    koffi.encode(biases.address, 0, "llama_logit_bias", { token: 11, bias: -5 });
    koffi.encode(biases.address, structureBytes("llama_logit_bias"), "llama_logit_bias", {
      token: 10,
      bias: 7,
    });
    for (const sampler of [
      call.llama_sampler_init_logit_bias(20, 2, biases.address),
      call.llama_sampler_init_top_k(3),
      call.llama_sampler_init_dist(1),
    ]) {
      assert.ok(sampler !== null);
      call.llama_sampler_apply(sampler, list.address);
      call.llama_sampler_free(sampler);
    }
    const array = koffi.decode(list.address, "llama_token_data_array") as Record<string, unknown>;
    const sorted = koffi.decode(array["data"], "llama_token_data", 3) as readonly {
      readonly id: number;
      readonly logit: number;
      readonly p: number;
    }[];
    assert.deepEqual(
      sorted.map(({ id, logit }) => [id, logit]),
      [
        [10, 8],
        [12, 2],
        [11, -2],
      ],
    );
    const sum = sorted.reduce((total, { p }) => total + p, 0);
    assert.ok(Math.abs(sum - 1) < 1e-6, `probabilities add up to ${sum}`);
    assert.equal(array["sorted"], true);
    assert.ok(Number(array["selected"]) >= 0);
  });
});

/** Bytes that `write` writes, whatever is there before: the last one tells how large C thinks the structure is. */
function writtenBytes(write: (address: bigint) => void): readonly number[] {
  using memory = new NativeMemory(1024);
  const bytes = memory.uint8();
  const [one = [], other = []] = [0x5a, 0xa5].map((filler) => {
    bytes.fill(filler);
    write(memory.address);
    return [...bytes];
  });
  return one.flatMap((byte, index) => (byte === other[index] ? [index] : []));
}

/** The fields' own bytes are written; of the padding after the last, any or none. */
function assertExtent(name: keyof typeof STRUCTURES, written: readonly number[]): void {
  const own = Object.entries(STRUCTURES[name]).flatMap(([field, type]) =>
    Array.from({ length: koffi.sizeof(type) }, (_, at) => koffi.offsetof(name, field) + at),
  );
  assert.deepEqual(
    own.filter((index) => !written.includes(index)),
    [],
    `bytes of fields that C did not write`,
  );
  const last = written.at(-1) ?? 0;
  assert.ok(last < structureBytes(name), `C wrote byte ${last} of ${structureBytes(name)}`);
}
