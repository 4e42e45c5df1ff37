/** The directory as a file describes it: for servers that somebody starts himself, as with plain Docker. */
import { readDirectory } from "@localmodel/localmodel/documents/directory-document.ts";
import type { Logger } from "@localmodel/service/log/log.ts";
import { FollowedFile } from "./followed-file.ts";
import type { ModelDirectory } from "./model-directory.ts";

/** Throws a DocumentFileError. */
export async function fileDirectory(
  file: string,
  log: Logger,
): Promise<ModelDirectory & Disposable> {
  const followed = await FollowedFile.open(file, { read: readDirectory, subject: "models", log });
  return {
    current: () => followed.current(),
    known: true,
    [Symbol.dispose]: () => followed[Symbol.dispose](),
  };
}
