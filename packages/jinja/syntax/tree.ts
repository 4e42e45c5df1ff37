/** What a template consists of, once it is read. */

export type Expression =
  | { readonly kind: "literal"; readonly value: string | bigint | number | boolean | null }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "list" | "tuple"; readonly items: readonly Expression[] }
  | { readonly kind: "dict"; readonly entries: readonly (readonly [Expression, Expression])[] }
  | { readonly kind: "not" | "minus" | "plus"; readonly operand: Expression }
  | { readonly kind: "and" | "or"; readonly left: Expression; readonly right: Expression }
  | {
      readonly kind: "arithmetic";
      readonly operator: ArithmeticOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: "concatenation"; readonly parts: readonly Expression[] }
  /** `a < b < c`: each with the one before. */
  | { readonly kind: "comparison"; readonly first: Expression; readonly rest: readonly Compared[] }
  | {
      readonly kind: "condition";
      readonly test: Expression;
      readonly value: Expression;
      readonly otherwise: Expression | undefined;
    }
  | { readonly kind: "attribute"; readonly of: Expression; readonly name: string }
  | { readonly kind: "subscript"; readonly of: Expression; readonly key: Expression }
  | { readonly kind: "slice"; readonly of: Expression; readonly bounds: SliceExpressions }
  | { readonly kind: "call"; readonly callee: Expression; readonly given: CallArguments }
  /** Without `of`: a `{% filter %}` block, which filters its body. */
  | {
      readonly kind: "filter";
      readonly of: Expression | undefined;
      readonly name: string;
      readonly given: CallArguments;
    }
  | {
      readonly kind: "test";
      readonly of: Expression;
      readonly name: string;
      readonly given: CallArguments;
    };

export type ArithmeticOperator = "+" | "-" | "*" | "/" | "//" | "%" | "**";

export type ComparisonOperator = "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not in";

export type Compared = { readonly operator: ComparisonOperator; readonly with: Expression };

export type SliceExpressions = Readonly<Record<"start" | "stop" | "step", Expression | undefined>>;

export type CallArguments = {
  readonly positional: readonly Expression[];
  readonly named: readonly (readonly [name: string, value: Expression])[];
  /** `*list`. */
  readonly spread?: Expression;
  /** `**dict`. */
  readonly spreadNamed?: Expression;
};

export type Target =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "member"; readonly namespace: string; readonly name: string }
  | { readonly kind: "targets"; readonly targets: readonly Target[] };

export type Parameter = { readonly name: string; readonly default: Expression | undefined };

export type Body = readonly Statement[];

export type Statement =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "output"; readonly value: Expression }
  | {
      readonly kind: "if";
      readonly branches: readonly (readonly [test: Expression, body: Body])[];
      readonly otherwise: Body;
    }
  | ForStatement
  | { readonly kind: "set"; readonly target: Target; readonly value: Expression }
  /** `filter` is a filter without `of`, or one on such. */
  | {
      readonly kind: "setBlock";
      readonly target: Target;
      readonly filter: Expression | undefined;
      readonly body: Body;
    }
  | MacroStatement
  | {
      readonly kind: "call";
      readonly call: Expression;
      readonly parameters: readonly Parameter[];
      readonly body: Body;
    }
  | { readonly kind: "filterBlock"; readonly filter: Expression; readonly body: Body }
  | {
      readonly kind: "with";
      readonly values: readonly (readonly [Target, Expression])[];
      readonly body: Body;
    }
  /** `{% block %}` and `{% generation %}`: their body, with names of its own. */
  | { readonly kind: "scope"; readonly body: Body }
  | { readonly kind: "break" | "continue" };

export type ForStatement = {
  readonly kind: "for";
  readonly target: Target;
  readonly of: Expression;
  readonly filter: Expression | undefined;
  readonly isRecursive: boolean;
  readonly body: Body;
  readonly otherwise: Body;
};

type MacroStatement = {
  readonly kind: "macro";
  readonly name: string;
  readonly parameters: readonly Parameter[];
  readonly body: Body;
};
