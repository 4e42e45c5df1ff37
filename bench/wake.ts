/**
 * What sleep costs: memory of requests that are held, how soon demand is heard, and the first token of a model that is
 * loaded for a request, alone and in another's place, over that of a process that is started for it. In a cluster: how
 * soon there is a pod object, on a control plane, and the first token over the start of a pod, with nodes.
 */
import { parseArgs } from "node:util";
import { smollm2Path } from "../test/support/smollm2.ts";
import { demandToPod } from "./wake/demand-to-pod.ts";
import { heldRequests } from "./wake/held-requests.ts";
import { Laptop, plainStartMs } from "./wake/laptop.ts";
import { podWakes } from "./wake/pods.ts";
import { median, percentile } from "./support/statistics.ts";
import { printTable } from "./support/table.ts";

const { values } = parseArgs({
  options: {
    model: { type: "string" },
    threads: { type: "string", default: "2" },
    rounds: { type: "string", default: "5" },
    requests: { type: "string", default: "5000" },
    "body-bytes": { type: "string", default: "4096" },
    /** Holds one of the models, and not two. */
    memory: { type: "string", default: "1000MB" },
    /** Only what does not depend on a quiet machine. */
    "held-only": { type: "boolean", default: false },
    /** Instead: with the binaries that LOCALMODEL_TEST_KUBE_BIN names. */
    "control-plane": { type: "boolean", default: false },
    /** Instead: in the cluster that runs. */
    cluster: { type: "boolean", default: false },
    wakes: { type: "string", default: "200" },
  },
});

const MIB = 1024 * 1024;
const mebibytes = (bytes: number): string => (bytes / MIB).toFixed(0);

if (values["control-plane"]) await measureDemand();
else if (values.cluster) await measurePods();
else {
  await measureHeld();
  if (!values["held-only"]) await measureLaptop();
}

async function measureHeld(): Promise<void> {
  const count = Number(values.requests);
  const bodyBytes = Number(values["body-bytes"]);
  const held = await heldRequests(count, bodyBytes);
  printTable(`${count} streams held for a model that sleeps, bodies of ${bodyBytes} bytes`, [
    {
      "MiB before": mebibytes(held.beforeBytes),
      "MiB while held (<= 512)": mebibytes(held.heldBytes),
      answered: `${held.answered} of ${count}`,
      "first one heard after ms (<= 100)": held.heardMs.toFixed(1),
    },
  ]);
}

async function measureDemand(): Promise<void> {
  const { heardMs, podMs, plainMs } = await demandToPod(Number(values.wakes));
  const beyondMs = podMs.map((ms, i) => ms - (plainMs[i] ?? NaN));
  printTable(`${values.wakes} models woken one after the other`, [
    row("the stream of demand (p99 <= 100)", heardMs),
    row("the pod object", podMs),
    row("the pod object of a Deployment that a write scales", plainMs),
    row("the pod object, beyond that of the same round (p99 <= 500)", beyondMs),
  ]);
}

function row(what: string, ms: readonly number[]) {
  return {
    "from the request to": what,
    "p50 ms": percentile(ms, 0.5).toFixed(0),
    "p99 ms": percentile(ms, 0.99).toFixed(0),
  };
}

async function measurePods(): Promise<void> {
  const { readyMs, firstTokenMs } = await podWakes(Number(values.rounds));
  printTable(`${values.rounds} wakes in a cluster`, [
    {
      "pod ready ms": median(readyMs).toFixed(0),
      "first token ms": median(firstTokenMs).toFixed(0),
      over: median(firstTokenMs.map((ms, i) => ms / (readyMs[i] ?? NaN))).toFixed(2),
    },
  ]);
}

async function measureLaptop(): Promise<void> {
  const weights = { path: values.model ?? (await smollm2Path()), threads: Number(values.threads) };
  await using laptop = await Laptop.start(weights, values.memory);
  const times = { plain: [] as number[], jit: [] as number[], swap: [] as number[] };
  await plainStartMs(weights);
  for (let round = 0; round < Number(values.rounds); round += 1) {
    times.plain.push(await plainStartMs(weights));
    times.jit.push(await laptop.firstTokenMs("a"));
    times.swap.push(await laptop.firstTokenMs("b"));
    await laptop.unload("b");
  }
  const firstToken = (what: string, ms: readonly number[]) => ({
    "first token": what,
    "median ms": median(ms).toFixed(0),
    "over a plain start": median(ms.map((one, i) => one / (times.plain[i] ?? NaN))).toFixed(2),
  });
  printTable("On one machine", [
    firstToken("of a process that is started for it", times.plain),
    firstToken("of a model that a request loads", times.jit),
    firstToken("of a model that takes another's place", times.swap),
  ]);
}
