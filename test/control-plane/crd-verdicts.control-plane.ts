/**
 * The CRD's rules on a real API server: it accepts a document exactly when packages/localmodel does.
 *
 * A document that passes `npm start` must pass `kubectl apply`, and the other way round. Documents are
 * made from the schema and then spoilt, one change each; the server judges them without storing them.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { ApiStatusError } from "@localmodel/kube/wire/api-errors.ts";
import { kubeconfigAccess } from "@localmodel/kube/access/kubeconfig.ts";
import { Transport } from "@localmodel/kube/wire/transport.ts";
import { customResourceDefinition } from "@localmodel/localmodel/cluster/crd.ts";
import {
  API_VERSION,
  KIND,
  LocalModel,
  LocalModelSpec,
} from "@localmodel/localmodel/resource/localmodel.ts";
import { withoutNulls } from "@localmodel/localmodel/documents/without-nulls.ts";
import fc from "fast-check";
import { ControlPlane } from "../support/control-plane.ts";
import { arbitraryInput } from "../support/schema-arbitrary.ts";
import { spoilt } from "../support/spoilt-json.ts";

const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const MODELS = `/apis/${API_VERSION}/namespaces/default/localmodels`;
const CRD_NAME = customResourceDefinition().metadata.name;
const BATCH = 16;
const ROUNDS = 60;

type Verdict = { readonly accepted: boolean; readonly message: string };

const source = { http: { url: "https://example.com/model.gguf" } };

const refused: Readonly<Record<string, readonly [spec: object, message: RegExp]>> = {
  "a model without a source": [{}, /source/],
  "a source of no kind": [{ source: {} }, /must set exactly one of huggingFace, http/],
  "a source of two kinds": [
    { source: { ...source, image: { reference: "a/b", path: "c" } } },
    /must set exactly one of huggingFace, http/,
  ],
  "mirrors without a checksum": [
    { source: { ...source, mirrors: [source] } },
    /mirrors must come with sha256/,
  ],
  "a field that does not exist": [
    { source, contextTokens: 1 },
    /unknown field "spec.contextTokens"/,
  ],
  "an alias twice": [{ source, aliases: ["a", "a"] }, /Duplicate value/],
  "an adapter's id twice": [
    { source, adapters: ["a", "a"].map((id) => ({ ...source, id })) },
    /must not have an adapter's id twice/,
  ],
  "an adapter with the model's id": [
    { source, modelId: "a", adapters: [{ ...source, id: "a" }] },
    /an id of the model itself/,
  ],
  "an adapter with an alias as its id": [
    { source, aliases: ["b", "a"], adapters: [{ ...source, id: "a" }] },
    /an id of the model itself/,
  ],
  "a number that JavaScript cannot hold": [
    { source, resources: { limits: { memory: 1e18 } } },
    /spec.resources.limits.memory/,
  ],
  "a whole number below a least number that is none": [
    { source, sampling: { repeatPenalty: 0 } },
    /spec\.sampling\.repeatPenalty: .*at least 0\.01/,
  ],
  "devices that spec.gpu does not know of": [
    { source, resources: { limits: { "nvidia.com/gpu": "8" } } },
    /devices such as "nvidia\.com\/gpu" belong in spec\.gpu/,
  ],
  "a path out of an image": [
    { source: { image: { reference: "a/b", path: "../c" } } },
    /source.image.path/,
  ],
  "labels of the operator": [
    { source, podMetadata: { labels: { "localmodel.dev/model": "x" } } },
    /belongs to the operator/,
  ],
};

suite("the CRD on a real API server", () => {
  let plane: ControlPlane;
  let transport: Transport;

  before(async () => {
    plane = await ControlPlane.start();
    transport = new Transport(kubeconfigAccess(plane.kubeconfig));
    await post(CRDS, customResourceDefinition());
    await established();
  });

  after(async () => {
    await transport?.[Symbol.asyncDispose]();
    await plane?.[Symbol.asyncDispose]();
  });

  test("accepts every document that packages/localmodel accepts", async () => {
    await everyVerdictAgrees(arbitraryInput(LocalModelSpec), ROUNDS);
  });

  test("agrees with packages/localmodel on documents with one mistake", async () => {
    const documents = arbitraryInput(LocalModelSpec).chain((spec) =>
      spoilt(JSON.parse(JSON.stringify(spec))),
    );
    await everyVerdictAgrees(documents, ROUNDS * 4);
  });

  for (const [name, [spec, message]] of Object.entries(refused)) {
    test(`refuses ${name}, and says so in words`, async () => {
      const [verdict] = await judgedByServer([spec]);
      assert.equal(ours(spec).accepted, false);
      assert.equal(verdict?.accepted, false);
      assert.match(verdict?.message ?? "", message);
    });
  }

  test("refuses to change what a claim cannot change", async () => {
    const cache = { claimTemplate: { size: "1Gi", storageClassName: "fast" } };
    await post(MODELS, document({ source, cache }, "claimed"));
    const change = (claimTemplate: object): Promise<Verdict> =>
      patch("claimed", { spec: { cache: { claimTemplate } } });
    assert.match((await change({ accessMode: "ReadWriteMany" })).message, /accessMode must not/);
    assert.match((await change({ storageClassName: "slow" })).message, /storageClassName must not/);
    assert.match((await change({ storageClassName: null })).message, /storageClassName must not/);
    assert.equal((await change({ size: "2Gi" })).message, "");
    assert.equal((await patch("claimed", { spec: { cache: null } })).message, "");
  });

  async function everyVerdictAgrees(specs: fc.Arbitrary<unknown>, rounds: number): Promise<void> {
    const batch = fc.array(specs, { minLength: BATCH, maxLength: BATCH });
    await fc.assert(
      fc.asyncProperty(batch, async (candidates) => {
        const verdicts = await judgedByServer(candidates);
        for (const [index, theirs] of verdicts.entries()) {
          const spec = candidates[index];
          const mine = ours(spec);
          if (mine.accepted === theirs.accepted) continue;
          const said = `packages/localmodel: ${mine.message || "fine"}\nAPI server: ${theirs.message || "fine"}`;
          assert.fail(`${JSON.stringify(spec)}\n${said}`);
        }
      }),
      { numRuns: Math.ceil(rounds / 4), endOnFailure: true },
    );
  }

  async function judgedByServer(specs: readonly unknown[]): Promise<Verdict[]> {
    return Promise.all(
      specs.map((spec, index) =>
        verdictOf(post(MODELS, document(spec, `candidate-${index}`), { dryRun: "All" })),
      ),
    );
  }

  function post(path: string, body: object, query: Readonly<Record<string, string>> = {}) {
    const strict = { fieldValidation: "Strict", ...query };
    return transport.json<unknown>({ method: "POST", path, query: strict, body, retry: true });
  }

  function patch(name: string, body: object): Promise<Verdict> {
    const path = `${MODELS}/${name}`;
    const contentType = "application/merge-patch+json";
    return verdictOf(
      transport.json<unknown>({ method: "PATCH", path, body, contentType, retry: true }),
    );
  }

  async function established(): Promise<void> {
    for (;;) {
      const { status } = await transport.json<{ status?: { conditions?: Condition[] } }>({
        method: "GET",
        path: `${CRDS}/${CRD_NAME}`,
        retry: true,
      });
      const is = (type: string): boolean =>
        status?.conditions?.some((it) => it.type === type && it.status === "True") ?? false;
      if (is("Established")) break;
    }
    // Established comes a moment before the path is served.
    while (
      !(await verdictOf(transport.json({ method: "GET", path: MODELS, retry: true }))).accepted
    );
  }
});

type Condition = { readonly type: string; readonly status: string };

function document(spec: unknown, name: string): object {
  return { apiVersion: API_VERSION, kind: KIND, metadata: { name }, spec };
}

/** What the schema says of the document as `kubectl apply` would send it. */
function ours(spec: unknown): Verdict {
  const result = LocalModel.safeParse(withoutNulls(document(spec, "candidate")));
  const message = result.error?.issues.map((it) => `${it.path.join(".")}: ${it.message}`) ?? [];
  return { accepted: result.success, message: message.join("; ") };
}

async function verdictOf(answer: Promise<unknown>): Promise<Verdict> {
  try {
    await answer;
    return { accepted: true, message: "" };
  } catch (error) {
    if (error instanceof ApiStatusError) return { accepted: false, message: error.message };
    throw error;
  }
}
