/**
 * How much a Node process in a container really holds: its heap right after a full garbage collection.
 *
 * What the kernel counts says little about leaks, because V8 lets garbage lie for as long as there is room. So the
 * process is asked through its inspector, which a signal opens inside the container.
 */
import type { StartedTestContainer } from "testcontainers";
import { run } from "../../build/command.ts";
import { eventually } from "../../support/eventually.ts";

/** Runs in the container, whose Node has a WebSocket client. */
const QUESTION = `
const [{ webSocketDebuggerUrl }] = await (await fetch("http://127.0.0.1:9229/json")).json();
const socket = new WebSocket(webSocketDebuggerUrl);
const ask = (id, method, params = {}) => new Promise((resolve) => {
  socket.addEventListener("message", ({ data }) => JSON.parse(data).id === id && resolve(JSON.parse(data).result));
  socket.send(JSON.stringify({ id, method, params }));
});
await new Promise((resolve) => socket.addEventListener("open", resolve));
await ask(1, "HeapProfiler.collectGarbage");
console.log("bytes " + (await ask(2, "Runtime.getHeapUsage")).usedSize);
socket.close();
`;

export async function liveHeapBytes(container: StartedTestContainer): Promise<number> {
  await run("docker", ["kill", "--signal", "SIGUSR1", container.getId()]);
  return eventually("the inspector to say how large the heap is", async () => {
    const { output } = await container.exec(["node", "--input-type=module", "--eval", QUESTION]);
    const [, bytes] = /^bytes (\d+)$/m.exec(output) ?? [];
    if (bytes === undefined) throw new Error(output);
    return Number(bytes);
  });
}
