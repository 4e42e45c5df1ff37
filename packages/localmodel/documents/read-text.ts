/** A text file of bounded size, or one sentence why not; and how to tell weights from texts. */
import { open, stat } from "node:fs/promises";

type TextFile = { readonly text: string } | { readonly failure: string };

export async function readText(file: string, maxBytes: number): Promise<TextFile> {
  try {
    // Asked before opening: to open a named pipe is to wait for its writer.
    if (!(await stat(file)).isFile()) return { failure: "is not a regular file" };
    await using handle = await open(file);
    const { size: sizeBytes } = await handle.stat();
    if (sizeBytes > maxBytes) {
      return { failure: `must have at most ${maxBytes} bytes; found ${sizeBytes}` };
    }
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(sizeBytes), 0, sizeBytes, 0);
    const decoder = new TextDecoder("utf-8", { fatal: true });
    return { text: decoder.decode(buffer.subarray(0, bytesRead)) };
  } catch (error) {
    return { failure: whyUnreadable(error) };
  }
}

const GGUF_MAGIC = Buffer.from("GGUF");

/** Whether it is a file that begins as weights do; what cannot be read does not. */
export async function beginsAsGguf(file: string): Promise<boolean> {
  try {
    if (!(await stat(file)).isFile()) return false;
    await using handle = await open(file);
    const { buffer } = await handle.read(Buffer.alloc(GGUF_MAGIC.length), 0, GGUF_MAGIC.length, 0);
    return buffer.equals(GGUF_MAGIC);
  } catch {
    return false;
  }
}

/** What a person can do something about, from what the operating system said. */
export function whyUnreadable(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "ENOENT") return "cannot be read: there is no such file or folder";
  if (code === "EACCES" || code === "EPERM") return "cannot be read: permission denied";
  if (code === "ERR_ENCODING_INVALID_ENCODED_DATA") return "must be UTF-8 text";
  return `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
}
