/**
 * Models that see, in a cluster: a projector from each kind of source is fetched, inspected and served, and a picture is
 * answered through the API service; a model without one says which can.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import type { LocalModelSpecInput } from "@localmodel/localmodel/resource/localmodel.ts";
import { pngOf } from "../support/glyph-files.ts";
import { GRID } from "../support/glyphs.ts";
import { writeTinyProjector } from "../support/seeing-models.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";
import { run } from "../build/command.ts";
import { capabilitiesModule, type PictureAnswer, pictureModule } from "./harness/client-modules.ts";
import { PROJECTOR_FILE, TINY_FILE } from "./harness/model-files.ts";
import { Scene } from "./harness/scene.ts";

const PICTURE_TOKENS = GRID ** 2;

suite("a LocalModel with a projector in a cluster", () => {
  let scene: Scene;
  let hello: string;
  let world: string;

  before(async () => {
    [hello, world] = await Promise.all([urlOf("HELLO"), urlOf("WORLD")]);
    scene = await Scene.open("pictures");
  });

  after(async () => {
    await scene?.[Symbol.asyncDispose]();
  });

  const http = (file: string) => ({ http: { url: scene.url("files", file) } });
  const image = (path: string) => ({
    image: { reference: scene.cluster.images.weights, path, pullPolicy: "IfNotPresent" as const },
  });
  const apply = (name: string, spec: Pick<LocalModelSpecInput, "source" | "projector">) =>
    scene.model(name, spec);
  const ask = (model: string, url: string) =>
    scene.inCluster<PictureAnswer>(pictureModule(model, url));

  /** Two pictures are two answers, and each of them is in the usage. */
  async function assertSees(model: string): Promise<void> {
    const [one, other] = [await ask(model, hello), await ask(model, world)];
    assert.ok("text" in one && "text" in other, JSON.stringify([one, other]));
    assert.ok(one.promptTokens > PICTURE_TOKENS, JSON.stringify(one));
    assert.equal(other.promptTokens, one.promptTokens);
    assert.notEqual(other.text, one.text);
  }

  test("sees what clients in other pods show it, and says that it can", async () => {
    await apply("seeing", { source: http(TINY_FILE), projector: http(PROJECTOR_FILE) });
    const { status } = await scene.untilReady("seeing");
    assert.ok(status?.inspection?.capabilities?.includes("vision"), JSON.stringify(status));
    assert.ok(status?.model?.capabilities?.includes("vision"), JSON.stringify(status));
    const listed = await scene.inCluster<readonly string[]>(capabilitiesModule("seeing"));
    assert.ok(listed.includes("vision"), listed.join(", "));
    await assertSees("seeing");
  });

  test("is named to who shows pictures to a model that reads text alone", async () => {
    await apply("reading", { source: http(TINY_FILE) });
    await scene.untilReady("reading");
    const refused = await ask("reading", hello);
    assert.ok("status" in refused, JSON.stringify(refused));
    assert.deepEqual([refused.status, refused.code], [400, "model_not_multimodal"]);
    assert.equal(refused.param, "messages[0].content[0]");
    assert.match(String(refused.message), /an image.*Models that read images:.*`seeing`/);
    await scene.kubectl("delete", "localmodel", "reading");
  });

  test("has weights and projector in an image volume", async () => {
    await apply("from-image", { source: image(TINY_FILE), projector: image(PROJECTOR_FILE) });
    await scene.untilReady("from-image");
    await assertSees("from-image");
    await scene.kubectl("delete", "localmodel", "from-image");
  });

  test("has weights and projector in a claim", async (context) => {
    const node = scene.cluster.containers[1] ?? scene.cluster.containers[0];
    if (node === undefined) return context.skip("nobody can put files on a node of this cluster");
    await using volume = await Volume.on(node, scene);
    const claimed = (path: string) => ({ persistentVolumeClaim: { claimName: volume.name, path } });
    await apply("from-claim", { source: claimed(TINY_FILE), projector: claimed(PROJECTOR_FILE) });
    await scene.untilReady("from-claim");
    await assertSees("from-claim");
    await scene.kubectl("delete", "localmodel", "from-claim");
  });

  test("whose projector is none says so, and has no pod that serves", async () => {
    await apply("no-projector", { source: http(TINY_FILE), projector: http(TINY_FILE) });
    const { message } = await scene.untilReason("no-projector", /^InvalidSource$/);
    assert.match(message, /projector/);
    assert.deepEqual(await scene.pods("no-projector"), []);
    await scene.kubectl("delete", "localmodel", "no-projector");
  });
});

async function urlOf(word: string): Promise<string> {
  return `data:image/png;base64,${(await pngOf(word)).toString("base64")}`;
}

/** A folder of a node that holds both files, and a claim to it in the scene's namespace. */
class Volume implements AsyncDisposable {
  readonly name: string;
  readonly #node: string;
  readonly #scene: Scene;

  private constructor(node: string, scene: Scene) {
    this.name = `files-${scene.namespace}`;
    this.#node = node;
    this.#scene = scene;
  }

  static async on(node: string, scene: Scene): Promise<Volume> {
    const volume = new Volume(node, scene);
    await volume.#fill();
    await scene.apply(volume.#volume(), volume.#claim());
    return volume;
  }

  get #path(): string {
    return `/var/lib/${this.name}`;
  }

  async #fill(): Promise<void> {
    await using folder = await TemporaryFolder.create();
    await writeTinyChatModel(folder.file(TINY_FILE));
    await writeTinyProjector(folder.file(TINY_FILE), folder.file(PROJECTOR_FILE));
    await run("docker", ["exec", this.#node, "mkdir", "--parents", this.#path]);
    for (const file of [TINY_FILE, PROJECTOR_FILE]) {
      const path = join(this.#path, file);
      await run("docker", ["cp", folder.file(file), `${this.#node}:${path}`]);
      await run("docker", ["exec", this.#node, "chmod", "644", path]);
    }
  }

  get #shared() {
    return { storageClassName: "", accessModes: ["ReadOnlyMany"] };
  }

  #volume(): object {
    const { namespace } = this.#scene;
    const hostname = { key: "kubernetes.io/hostname", operator: "In", values: [this.#node] };
    return {
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name: this.name },
      spec: {
        ...this.#shared,
        capacity: { storage: "1Gi" },
        hostPath: { path: this.#path },
        claimRef: { namespace, name: this.name },
        nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [hostname] }] } },
      },
    };
  }

  #claim(): object {
    return {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: this.name, namespace: this.#scene.namespace },
      spec: {
        ...this.#shared,
        volumeName: this.name,
        resources: { requests: { storage: "1Gi" } },
      },
    };
  }

  /** The claim goes with its namespace; a volume belongs to none. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scene.kubectl("delete", "persistentvolume", this.name, "--wait=false");
    await run("docker", ["exec", this.#node, "rm", "--recursive", "--force", this.#path]);
  }
}
