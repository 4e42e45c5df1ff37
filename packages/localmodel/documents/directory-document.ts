/**
 * Which models there are and where they are served, written by hand: what the API service reads where neither
 * Kubernetes nor a parent process says it, as with plain Docker.
 *
 * It says where servers are, not how they are: whether one answers shows when it is asked. What its model is, it says itself.
 */
import { z } from "zod";
import type { Directory } from "../contracts/directory.ts";
import { EngineSpec } from "../resource/engine-spec.ts";
import { KnownFields } from "./known-fields.ts";
import { type DocumentKind, type Found, readDocument, type ReadDocument } from "./read-document.ts";
import { text } from "../resource/text.ts";

const Id = text(512);

/** Nothing but scheme, host and port: paths are those of the OpenAI interface. */
const Endpoint = z
  .custom<string>(
    (value) => typeof value === "string" && isBaseUrl(value),
    'must be a base URL such as "http://model-server:8080", without a path',
  )
  .transform((url) => new URL(url).origin);

const ModelEntry = z.strictObject({
  id: Id.describe("What clients send as `model`."),
  aliases: z.array(Id).max(100).default([]).describe("Other names for it."),
  createdSeconds: z.int().min(0).default(0).describe("Unix time reported as `created`."),
  parent: Id.exactOptional().describe("Of an adapter: the `id` of its model."),
  slots: EngineSpec.shape.slots.describe("`engine.slots` of its servers."),
  endpoints: z.array(Endpoint).min(1).max(1000).describe("Base URLs of its model servers."),
});

const DirectoryDocument = z.strictObject({ models: z.array(ModelEntry).max(10_000) });
type DirectoryDocument = z.infer<typeof DirectoryDocument>;

const KIND: DocumentKind<DirectoryDocument> = {
  schema: DirectoryDocument,
  fields: new KnownFields(DirectoryDocument),
  conflicts: repeatedIds,
};

/** `file` is what problems call it. JSON is YAML. */
export function readDirectory(document: string, file: string): ReadDocument<Directory> {
  const read = readDocument(document, file, KIND);
  return "problems" in read ? read : { value: directoryOf(read.value) };
}

function directoryOf({ models }: DirectoryDocument): Directory {
  return {
    models: models.map(({ endpoints, ...model }) => ({
      ...model,
      state: "ready",
      message: "its servers are listed in a file",
      // Nobody is there who would take it out of memory.
      stay: "always",
      endpoints: [...new Set(endpoints)],
    })),
  };
}

function repeatedIds({ models }: DirectoryDocument): readonly Found[] {
  const owners = new Map<string, number>();
  return models.flatMap(({ id, aliases }, index) => {
    const names = [{ name: id, path: ["models", index, "id"] as PropertyKey[] }].concat(
      aliases.map((name, alias) => ({ name, path: ["models", index, "aliases", alias] })),
    );
    return names.flatMap(({ name, path }) => {
      const owner = owners.get(name);
      owners.set(name, owner ?? index);
      const message = `must be unique; models[${owner}] answers to it`;
      return owner === undefined ? [] : [{ path, message }];
    });
  });
}

function isBaseUrl(written: string): boolean {
  const url = URL.parse(written);
  if (url === null || !/^https?:$/.test(url.protocol)) return false;
  return url.pathname === "/" && url.username + url.password + url.search + url.hash === "";
}
