/**
 * Where things lie in the cache folder.
 *
 *   blobs/SHA256.gguf       a verified file; never written to, only renamed here
 *   blobs/SHA256.json       what it looked like when it was verified
 *   index/ID.json           which blob a source without a checksum turned out to be
 *   partial/KEY.gguf        a download under way or interrupted, KEY.json how to continue it
 *   partial/KEY.unpack/     scratch of a Python package
 *   sets/ID/NAME            links that give the parts of a split GGUF their names
 *   files/ID.json           checksums of files outside the cache
 *   locks/KEY               held while somebody fetches KEY, KEY.owner who that is
 *
 * Everything except blobs may be deleted at any time; that costs a download or a hash.
 */
import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";

export class CacheLayout {
  readonly root: string;

  constructor(root: string) {
    this.root = resolve(root);
  }

  blob(sha256: string): string {
    return join(this.root, "blobs", `${sha256}.gguf`);
  }

  blobRecord(sha256: string): string {
    return join(this.root, "blobs", `${sha256}.json`);
  }

  indexRecord(identity: string): string {
    return join(this.root, "index", `${keyOf(identity)}.json`);
  }

  get partialFolder(): string {
    return join(this.root, "partial");
  }

  partial(key: string): string {
    return join(this.partialFolder, `${key}.gguf`);
  }

  partialRecord(key: string): string {
    return join(this.partialFolder, `${key}.json`);
  }

  unpackFolder(key: string): string {
    return join(this.partialFolder, `${key}.unpack`);
  }

  setFolder(parts: readonly string[]): string {
    return join(this.root, "sets", keyOf(parts.join("\n")));
  }

  fileRecord(path: string): string {
    return join(this.root, "files", `${keyOf(path)}.json`);
  }

  lock(key: string): string {
    return join(this.root, "locks", key);
  }
}

/** A file name for any text. */
export function keyOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 40);
}

/** `$LOCALMODEL_CACHE`, else `localmodel` in the XDG cache folder. */
export function defaultCacheFolder(
  environment: NodeJS.ProcessEnv,
  home: string = homedir(),
): string {
  const own = environment["LOCALMODEL_CACHE"];
  if (own !== undefined && own !== "") return resolve(own);
  const xdg = environment["XDG_CACHE_HOME"];
  // The XDG specification tells to ignore relative paths.
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, "localmodel");
  return join(home, ".cache", "localmodel");
}
