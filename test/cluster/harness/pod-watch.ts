/**
 * The pods that serve, at every moment: each change of them as the API server tells it, so that nothing is missed that lasts
 * shorter than the time between two looks.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { eventually } from "../../support/eventually.ts";
import type { Scene } from "./scene.ts";

type SeenPod = {
  readonly name: string;
  readonly model: string;
  readonly image: string;
  /** Gets requests. */
  readonly serves: boolean;
};

export type Moment = readonly SeenPod[];

const SERVERS = "app.kubernetes.io/component=model-server";
const FIELDS = [
  "{.type}",
  "{.object.metadata.name}",
  "{.object.metadata.labels.localmodel\\.dev/model}",
  "{.object.spec.containers[0].image}",
  '{.object.status.conditions[?(@.type=="Ready")].status}',
  "{.object.metadata.deletionTimestamp}",
];
/** No tab: kubectl makes columns of it. */
const SEPARATOR = "|";
const FORMAT = FIELDS.join(SEPARATOR);

export class PodWatch implements Disposable {
  readonly #child: ChildProcessByStdio<null, Readable, null>;
  readonly #moments: Moment[] = [];
  #isOver = false;

  /** With all pods that there are now. */
  static async start(scene: Scene): Promise<PodWatch> {
    const pods = await scene.kubectl("get", "pods", `--selector=${SERVERS}`, "--output=name");
    const names = pods.split("\n").filter((name) => name !== "");
    using all = new DisposableStack();
    const watch = all.use(new PodWatch(scene));
    await eventually("the watch to have told of all pods", () => {
      const known = new Set((watch.#moments.at(-1) ?? []).map(({ name }) => `pod/${name}`));
      const missing = names.filter((name) => !known.has(name));
      if (missing.length > 0) throw new Error(`${missing.join()} are not told of`);
    });
    // One pod after the other was told of; this is the first moment with all of them.
    watch.#moments.splice(0, watch.#moments.length - 1);
    all.move();
    return watch;
  }

  private constructor({ cluster, namespace }: Scene) {
    const { kubeBinaries, kubeconfig } = cluster;
    const where = [`--kubeconfig=${kubeconfig}`, `--namespace=${namespace}`];
    const what = ["get", "pods", `--selector=${SERVERS}`, "--watch", "--output-watch-events"];
    const how = `--output=jsonpath=${FORMAT}{"\\n"}`;
    this.#child = spawn(join(kubeBinaries, "kubectl"), [...where, ...what, how], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#child.once("close", () => {
      this.#isOver = true;
    });
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.#note(line));
  }

  /** What there was from the start until now, moment by moment. */
  moments(): readonly Moment[] {
    if (this.#isOver)
      throw new Error("the watch of the pods has ended, so something may be missing");
    return [...this.#moments];
  }

  [Symbol.dispose](): void {
    this.#child.kill();
  }

  #note(line: string): void {
    const [type, name = "", model = "", image = "", ready, ending] = line.split(SEPARATOR);
    const others = (this.#moments.at(-1) ?? []).filter((pod) => pod.name !== name);
    const serves = ready === "True" && ending === "";
    const pod: SeenPod = { name, model, image, serves };
    this.#moments.push(type === "DELETED" ? others : [...others, pod]);
  }
}
