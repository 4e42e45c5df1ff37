/**
 * Puts a failed connection into words, and says whether trying again can help.
 */

export type NetworkFailure = {
  readonly message: string;
  /**
   * `unreachable`: nobody was there, and trying again is cheap; `timeout`: nobody was there, and finding
   * that out took long; `broken`: the connection ended early; `refused`: it will not get better.
   */
  readonly kind: "unreachable" | "timeout" | "broken" | "refused";
};

const TLS_CODE = /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

/** Undefined for an error that is not about the network. */
export function networkFailure(error: unknown, host: string): NetworkFailure | undefined {
  const code = codeOf(error);
  if (code === undefined) return undefined;
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
    return {
      kind: "unreachable",
      message: `could not resolve the host name ${host} (${code}); check the name, the DNS and HTTPS_PROXY`,
    };
  }
  if (code === "UND_ERR_CONNECT_TIMEOUT" || code === "ETIMEDOUT") {
    return { kind: "timeout", message: `no connection to ${host} could be made in time (${code})` };
  }
  if (["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL"].includes(code)) {
    return { kind: "unreachable", message: `no connection to ${host} (${code})` };
  }
  if (TLS_CODE.test(code)) {
    return {
      kind: "refused",
      message: `the certificate of ${host} was not accepted (${code}); name your own authority in NODE_EXTRA_CA_CERTS`,
    };
  }
  if (code === "UND_ERR_ABORTED" && error instanceof Error && /proxy/i.test(error.message)) {
    return { kind: "refused", message: `the proxy would not connect to ${host}: ${error.message}` };
  }
  if (/^(UND_ERR_|HPE_|Z_)|^(ECONNRESET|ECONNABORTED|EPIPE|EPROTO)$/.test(code)) {
    return { kind: "broken", message: `the connection to ${host} broke (${code})` };
  }
  return undefined;
}

/** The code of the error or of what caused it; fetch stacks wrap errors several times. */
function codeOf(error: unknown): string | undefined {
  for (let it = error, depth = 0; it instanceof Error && depth < 5; it = it.cause, depth += 1) {
    const code = (it as NodeJS.ErrnoException).code;
    if (typeof code === "string") return code;
    if (it instanceof AggregateError && it.errors.length > 0) return codeOf(it.errors[0]);
  }
  return undefined;
}
