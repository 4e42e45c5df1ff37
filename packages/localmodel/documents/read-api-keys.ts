/** The text of a keys document in; all its keys, or every problem, out. */
import { type ApiKey, ApiKeys } from "../contracts/api-keys.ts";
import { KnownFields } from "./known-fields.ts";
import { type DocumentKind, type Found, readDocument, type ReadDocument } from "./read-document.ts";

const KIND: DocumentKind<ApiKeys> = {
  schema: ApiKeys,
  fields: new KnownFields(ApiKeys),
  conflicts: ({ keys }) => repetitions(keys),
};

/** `file` is what problems call it. JSON is YAML. */
export function readApiKeys(text: string, file: string): ReadDocument<readonly ApiKey[]> {
  const read = readDocument(text, file, KIND);
  return "problems" in read ? read : { value: read.value.keys };
}

function repetitions(keys: readonly ApiKey[]): readonly Found[] {
  return (["name", "sha256"] as const).flatMap((field) => {
    const seen = new Map<string, number>();
    return keys.flatMap((key, index) => {
      const first = seen.get(key[field]);
      if (first === undefined) seen.set(key[field], index);
      const message = `must be unique; keys[${first}] has the same`;
      return first === undefined ? [] : [{ path: ["keys", index, field], message }];
    });
  });
}
