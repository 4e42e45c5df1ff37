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
  const seenSeconds = new Map<string, number>();
  const make = (from: Directory, version: number) => ({
    from,
    version,
    directory: completed(from, facts, seenSeconds),
  });
  let made = make(followed.current(), facts.version);
  return {
    current: () => {
      const from = followed.current();
      const { version } = facts;
      if (made.from !== from || made.version !== version) made = make(from, version);
      return made.directory;
    },
    known: true,
    [Symbol.dispose]: () => {
      facts[Symbol.dispose]();
      followed[Symbol.dispose]();
    },
  };
}

/** With what its servers say; one of which the file does not say how old it is, is as old as it has been in it. */
function completed(
  { models }: Directory,
  known: ServerFacts,
  seenSeconds: Map<string, number>,
): Directory {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const ids = new Set(models.map(({ id }) => id));
  for (const id of seenSeconds.keys()) {
    if (!ids.has(id)) seenSeconds.delete(id);
  }
  return {
    models: models.map((model) => {
      const { id, createdSeconds } = model;
      const seen = seenSeconds.get(id) ?? nowSeconds;
      seenSeconds.set(id, seen);
      const facts = known.of(model);
      return {
        ...model,
        createdSeconds: createdSeconds === 0 ? seen : createdSeconds,
        ...(facts !== undefined && { facts }),
      };
    }),
  };
}
