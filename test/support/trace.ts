/**
 * A trace as tests read it: a tree of spans that can be compared as an outline.
 */
/** Jaeger has lists as JSON. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

type SpanEvent = {
  readonly timeUs: number;
  readonly attributes: Attributes;
};

export type Span = {
  readonly id: string;
  readonly name: string;
  readonly service: string;
  readonly resource: Attributes;
  readonly parentId?: string;
  /** Ids of spans it is not part of, but follows from. */
  readonly links: readonly string[];
  readonly startUs: number;
  readonly endUs: number;
  readonly attributes: Attributes;
  readonly events: readonly SpanEvent[];
};

export class Trace {
  readonly id: string;
  readonly spans: readonly Span[];

  constructor(id: string, spans: readonly Span[]) {
    this.id = id;
    this.spans = spans.toSorted((a, b) => a.startUs - b.startUs || a.endUs - b.endUs);
  }

  /** Spans by name, in the order in which they began. */
  all(name: string, service?: string): readonly Span[] {
    return this.spans.filter(
      (span) => span.name === name && (service === undefined || span.service === service),
    );
  }

  /** The one span of this name. */
  one(name: string, service?: string): Span {
    const [span, ...more] = this.all(name, service);
    if (span === undefined || more.length > 0)
      throw new Error(
        `${more.length + (span ? 1 : 0)} spans are called ${name} in\n${this.outline()}`,
      );
    return span;
  }

  childrenOf({ id }: Pick<Span, "id">): readonly Span[] {
    return this.spans.filter(({ parentId }) => parentId === id);
  }

  parentOf({ parentId }: Span): Span | undefined {
    return this.spans.find(({ id }) => id === parentId);
  }

  /** From its parent to the root. */
  ancestorsOf(span: Span): readonly Span[] {
    const parent = this.parentOf(span);
    return parent === undefined ? [] : [parent, ...this.ancestorsOf(parent)];
  }

  /** One line a span: `name [kind]`, behind its service's name where that changes, indented by depth. */
  outline(): string {
    const roots = this.spans.filter((span) => this.parentOf(span) === undefined);
    return roots.flatMap((root) => this.#lines(root, "")).join("\n");
  }

  #lines(span: Span, indent: string): readonly string[] {
    const service = this.parentOf(span)?.service === span.service ? "" : `${span.service} `;
    const line = `${indent}${service}${span.name} [${kindOf(span)}]`;
    return [line, ...this.childrenOf(span).flatMap((child) => this.#lines(child, `${indent}  `))];
  }
}

function kindOf({ attributes }: Span): string {
  return String(attributes["span.kind"] ?? "unspecified");
}
