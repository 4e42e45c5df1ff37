/**
 * Clients that close their side of the connection and wait for the answer.
 *
 * TCP says the same of them as of one that is gone. What tells them apart is how they take something sent to them: one
 * that is gone has its system refuse it, which closes the connection here. HTTP/1.1 has what may be sent before an answer
 * and means nothing: 102 (RFC 9110, section 15.2). An answer that has begun has no such place, and HTTP/1.0 has none at
 * all, so there it is taken for a hang-up.
 */
import type { Server, ServerResponse } from "node:http";

/** What was refused is noticed when the next is sent; one may also close its side first, and be gone later. */
const PROBE_FIRST_MS = 5;
const PROBE_LAST_MS = 1000;

/** `open` are the answers that somebody waits for. */
export function answerHalfClosed(server: Server, open: ReadonlySet<ServerResponse>): void {
  // Node's own switch, which its types do not have: otherwise it ends such a connection itself.
  Object.assign(server, { httpAllowHalfOpen: true });
  server.on("connection", (socket) => {
    socket.once("end", () => {
      for (const res of open) if (res.req.socket === socket) whileThere(res);
    });
  });
}

function whileThere(res: ServerResponse): void {
  if (res.headersSent || res.req.httpVersion !== "1.1") {
    res.socket?.end();
    return;
  }
  let timer: NodeJS.Timeout | undefined;
  const probe = (delayMs: number): void => {
    if (res.headersSent) return;
    res.writeProcessing();
    timer = setTimeout(probe, delayMs, Math.min(2 * delayMs, PROBE_LAST_MS));
  };
  res.once("close", () => clearTimeout(timer));
  probe(PROBE_FIRST_MS);
}
