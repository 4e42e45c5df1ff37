/**
 * Values that Helm refuses to render, with a complaint that says what is wrong: by the schema, or by a template where
 * two values do not go together.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { CHART, type Helm, helmIn } from "../support/helm.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";

const refused: Readonly<Record<string, readonly [setting: string, complaint: RegExp]>> = {
  "a key that is misspelt": ["api.replica=3", /additional properties 'replica' not allowed/],
  "a setting of a component that is misspelt": ["api.config.bodyMaxByte=2048", /bodyMaxByte/],
  "a value of the wrong type": ["api.replicas=two", /got string, want integer/],
  "a digest that is none": ["api.image.digest=latest", /does not match pattern/],
  "two sources of keys": [
    "api.keys.existingSecret=a,api.keys.entries[0].name=b,api.keys.entries[0].sha256=" +
      "0".repeat(64),
    /api\.keys: entries and existingSecret exclude each other/,
  ],
  "a password in a value": ["api.valkey.url=valkey://:secret@cache", /api\.valkey\.url|url/],
  "a key of a Secret that nobody names": [
    "api.valkey.existingSecretUrlKey=url",
    /api\.valkey: keys of a Secret's data need existingSecret/,
  ],
  "a password for no Valkey": [
    "api.valkey.existingSecret=cache,api.valkey.existingSecretPasswordKey=password",
    /api\.valkey: without url or existingSecretUrlKey there is no Valkey/,
  ],
  "fewer replicas at most than at least": [
    "api.autoscaling.enabled=true,api.autoscaling.minReplicas=11",
    /minReplicas is 11, which is more than maxReplicas, 10/,
  ],
  "a route that belongs to no Gateway": [
    "api.httpRoute.enabled=true",
    /api\.httpRoute\.parentRefs: must name a Gateway/,
  ],
  "to deny and to warn": [
    "admissionPolicy.enabled=true,admissionPolicy.actions={Deny,Warn}",
    /Deny and Warn exclude each other/,
  ],
  "a field of pods that has a value of its own": [
    "api.extraPodSpec.serviceAccountName=other",
    /api\.extraPodSpec\.serviceAccountName: the chart sets it/,
  ],
  "a volume of the chart's own name": ["api.extraVolumes[0].name=tmp", /'not' failed|tmp/],
};

suite("the chart", () => {
  let folder: TemporaryFolder;
  let helm: Helm;

  before(async () => {
    folder = await TemporaryFolder.create();
    helm = helmIn(folder);
  });

  after(async () => folder[Symbol.asyncDispose]());

  for (const [name, [wrong, complaint]] of Object.entries(refused)) {
    test(`refuses ${name}`, async () => {
      await assert.rejects(helm("template", CHART, "--set", wrong), complaint);
    });
  }
});
