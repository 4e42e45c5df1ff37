/**
 * The directory as a file describes it: for servers that somebody starts himself, as with plain Docker. What their models are, they
 * say themselves.
 */
import { readDirectory } from "@localmodel/localmodel/documents/directory-document.ts";
import type { Directory } from "@localmodel/localmodel/contracts/directory.ts";
import type { Logger } from "@localmodel/service/log/log.ts";
import { FollowedFile } from "./followed-file.ts";
import type { ModelDirectory } from "./model-directory.ts";
import { ServerFacts } from "./server-facts.ts";

/** Throws a DocumentFileError. */
export async function fileDirectory(
  file: string,
  log: Logger,
): Promise<ModelDirectory & Disposable> {
  const followed = await FollowedFile.open(file, { read: readDirectory, subject: "models", log });
  const facts = new ServerFacts(() => followed.current().models);
  let made: { readonly from: Directory; readonly version: number; readonly directory: Directory };
  made = { from: followed.current(), version: facts.version, directory: followed.current() };
  return {
    current: () => {
      const from = followed.current();
      const { version } = facts;
      if (made.from !== from || made.version !== version) {
        made = { from, version, directory: withFacts(from, facts) };
      }
      return made.directory;
    },
    known: true,
    [Symbol.dispose]: () => {
      facts[Symbol.dispose]();
      followed[Symbol.dispose]();
    },
  };
}

function withFacts({ models }: Directory, known: ServerFacts): Directory {
  return {
    models: models.map((model) => {
      const facts = known.of(model);
      return facts === undefined ? model : { ...model, facts };
    }),
  };
}
