/**
 * Whether a device is really used: a tiny model and SmolLM2 on a server that requires one, every layer on it, and memory of
 * it taken; then SmolLM2 beside llama-server from the same source, on the same libraries, with every layer there too.
 *
 * It ends with the server's own reason where there is no device. Bounded: `timeout 600 npx node bench/device.ts`.
 */
import { parseArgs } from "node:util";
import type { ModelFacts } from "@localmodel/localmodel/contracts/server-state.ts";
import { ModelServer } from "../test/support/model-server.ts";
import { smollm2Path } from "../test/support/smollm2.ts";
import { TemporaryFolder } from "../test/support/temporary-folder.ts";
import { writeTinyChatModel } from "../test/support/tiny-models.ts";
import { buildLlamaServer } from "./peer/build-llama-programs.ts";
import { compare } from "./peer/comparison.ts";
import { deviceNamed } from "./peer/device-name.ts";
import { type PeerOptions, startLlamaServer, startModelServer } from "./peer/sides.ts";
import { decoding, firstTokenOf, firstTokens } from "./peer/workloads.ts";
import { printTable } from "./support/table.ts";

/** More than any model has. */
const ALL_LAYERS = 999;
const CONTEXT_TOKENS = 4096;
const SLOTS = 8;
const ROUNDS = 3;

const { values } = parseArgs({ options: { gpu: { type: "string", default: "cuda" } } });
const gpu = deviceNamed(values.gpu);
await using folder = await TemporaryFolder.create();
const tiny = folder.file("tiny.gguf");
await writeTinyChatModel(tiny);
const smollm2 = await smollm2Path();

printTable("what is on the device", [
  await usedBy("tiny", tiny),
  await usedBy("SmolLM2-135M", smollm2),
]);

const options: PeerOptions = {
  path: smollm2,
  threads: 2,
  slots: SLOTS,
  contextTokens: CONTEXT_TOKENS,
  gpuLayers: ALL_LAYERS,
};
const program = await buildLlamaServer((line) => console.error(line), gpu);
const workloads = [decoding(1, 128), decoding(8, 128), firstTokens(1), firstTokenOf(450)];
const rows = await compare(workloads, ROUNDS, {
  own: () => startModelServer(options),
  other: () => startLlamaServer(program, options),
});
printTable(`SmolLM2-135M on the device, ${ROUNDS} rounds`, rows);

/** Throws what the server says where there is no device, and where not all of the model is on it. */
async function usedBy(model: string, weightsPath: string) {
  await using server = await ModelServer.ready({
    weightsPath,
    accelerator: "Required",
    engine: { gpuLayers: ALL_LAYERS, contextTokens: 512, slots: 1 },
  });
  const { state } = server;
  if (state.state !== "ready") throw new Error(`The server of ${model} is ${state.state}`);
  const { devices = [], offloaded, driverVersion, memoryBytes } = state.model;
  requireAll(model, state.model);
  const { choices } = await server.client().chat.completions.create({
    model: server.modelId,
    messages: [{ role: "user", content: "Say hello." }],
    max_tokens: 16,
  });
  return {
    model,
    devices: devices.map(({ name }) => name).join(", "),
    driver: driverVersion ?? "",
    layers: `${offloaded?.layers} of ${offloaded?.ofLayers}`,
    "vram MiB": (memoryBytes.vram / 2 ** 20).toFixed(0),
    answer: choices[0]?.message.content?.slice(0, 40) ?? "",
  };
}

function requireAll(model: string, { offloaded, memoryBytes }: ModelFacts): void {
  if (offloaded === undefined || offloaded.layers < offloaded.ofLayers) {
    throw new Error(`${model}: ${offloaded?.layers ?? 0} layers are on a device; it should be all`);
  }
  if (memoryBytes.vram === 0) throw new Error(`${model}: no memory of a device is taken`);
}
