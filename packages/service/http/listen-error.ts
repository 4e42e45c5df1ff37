/** Why a server could not take its port, in words that tell what to do about it. */

export class ListenError extends Error {
  /** The system's code, such as EADDRINUSE. */
  readonly code: string;
  readonly host: string;
  readonly port: number;

  constructor(cause: NodeJS.ErrnoException, { host, port }: { host: string; port: number }) {
    const code = cause.code ?? "unknown";
    super(`cannot listen on ${host}, port ${port}: ${explain(code, host, port) ?? cause.message}`, {
      cause,
    });
    this.name = "ListenError";
    this.code = code;
    this.host = host;
    this.port = port;
  }
}

function explain(code: string, host: string, port: number): string | undefined {
  switch (code) {
    case "EADDRINUSE":
      return `another program already uses port ${port}; stop that program or choose another port`;
    case "EACCES":
      return `this user may not use port ${port}; choose a port from 1024 on`;
    case "EADDRNOTAVAIL":
      return `"${host}" is not an address of this machine; choose 127.0.0.1, or 0.0.0.0 for all addresses`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `the host name "${host}" cannot be resolved; choose 127.0.0.1, or 0.0.0.0 for all addresses`;
    default:
      return undefined;
  }
}
