/**
 * What this package refuses, typed.
 *
 * The compiler fails closed: a schema whose instances it cannot guarantee is not weakened, it is refused, and the
 * refusal names the place so that a client can mend it.
 */

/** `unsupported`: valid, but no guarantee is possible. `invalid`: not a schema or grammar. `too_large`: over a limit. */
type GrammarErrorReason = "unsupported" | "invalid" | "too_large";

export class GrammarError extends Error {
  readonly reason: GrammarErrorReason;
  /** JSON pointer into the schema as a URI fragment, such as `#/properties/age`; `#` where there is no schema. */
  readonly path: string;
  /** The keyword at fault, such as `uniqueItems`, where one is. */
  readonly keyword: string | undefined;

  constructor(reason: GrammarErrorReason, message: string, path = "#", keyword?: string) {
    super(keyword === undefined ? `${path}: ${message}` : `${path}/${keyword}: ${message}`);
    this.name = "GrammarError";
    this.reason = reason;
    this.path = path;
    this.keyword = keyword;
  }
}

/** Of a grammar that a client wrote as a text: `what` goes on after "line 3 of the grammar". */
export function grammarErrorAt(
  line: number,
  what: string,
  reason: GrammarErrorReason = "invalid",
): GrammarError {
  return new GrammarError(reason, `line ${line} of the grammar ${what}`);
}
