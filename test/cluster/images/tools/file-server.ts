/**
 * Serves the files of a folder over HTTP inside the cluster, as well as a test wants it.
 *
 * The first part of a path chooses what happens to the file that the rest names: `/files/x` is x with ranges,
 * as a good server has it. `FAULTS` are the others. `GET /requests` lists what has been asked for.
 */
import { createReadStream, statSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";

const FOLDER = process.env["FILES"] ?? "/files";
const PORT = Number(process.env["PORT"] ?? 8000);

type Answer = (request: IncomingMessage, response: ServerResponse, path: string) => void;

const FAULTS: Readonly<Record<string, Answer>> = {
  missing: (_request, response) => response.writeHead(404).end("no such file\n"),
  forbidden: (_request, response) => response.writeHead(403).end("not for you\n"),
  unavailable: (_request, response) =>
    response.writeHead(503, { "retry-after": "1" }).end("come back later\n"),
  /** The first half, and a connection that breaks. */
  truncated: (_request, response, path) => {
    const { size } = statSync(path);
    response.writeHead(200, { "content-length": size });
    void send(response, path, { end: Math.floor(size / 2) }).finally(() => response.destroy());
  },
  /** As long as the file, and other bytes. */
  wrong: (_request, response, path) => {
    response.writeHead(200, { "content-length": statSync(path).size });
    let left = statSync(path).size;
    const more = (): void => {
      while (left > 0) {
        const part = Buffer.alloc(Math.min(left, 1 << 20), "x");
        left -= part.length;
        if (!response.write(part)) return void response.once("drain", more);
      }
      response.end();
    };
    more();
  },
  /** The first half, and the other one only after `POST /release`. */
  stalled: (_request, response, path) => {
    const { size } = statSync(path);
    const half = Math.floor(size / 2);
    response.writeHead(200, { "content-length": size });
    void inHalves(response, path, half);
  },
  files: (request, response, path) => {
    const { size, mtimeMs } = statSync(path);
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const isPart = request.headers.range !== undefined && start < size;
    response.writeHead(isPart ? 206 : 200, {
      "content-length": isPart ? size - start : size,
      "accept-ranges": "bytes",
      etag: `"${size}-${mtimeMs}"`,
      ...(isPart ? { "content-range": `bytes ${start}-${size - 1}/${size}` } : {}),
    });
    if (request.method === "HEAD") response.end();
    else void send(response, path, { start: isPart ? start : 0 }).then(() => response.end());
  },
};

const requests: string[] = [];
let release: () => void = () => {};
const released = new Promise<void>((resolve) => {
  release = resolve;
});

async function inHalves(response: ServerResponse, path: string, half: number): Promise<void> {
  await send(response, path, { end: half - 1 });
  await released;
  await send(response, path, { start: half });
  response.end();
}

/** A client that hangs up is no news here. */
async function send(
  response: ServerResponse,
  path: string,
  range: { readonly start?: number; readonly end?: number },
): Promise<void> {
  await pipeline(createReadStream(path, range), response, { end: false }).catch(() => {});
}

createServer((request, response) => {
  const { pathname } = new URL(request.url ?? "/", "http://localhost");
  if (pathname === "/release") {
    release();
    response.end("released\n");
  } else if (pathname === "/requests") {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(requests));
  } else {
    requests.push(`${request.method} ${pathname}`);
    const answer = FAULTS[pathname.split("/")[1] ?? ""];
    const path = join(FOLDER, basename(pathname));
    if (answer === undefined || !statSync(path, { throwIfNoEntry: false })?.isFile())
      response.writeHead(404).end("no such file\n");
    else answer(request, response, path);
  }
}).listen(PORT, () => console.log(`serving ${FOLDER} on ${PORT}`));
