/**
 * What is wrong with a document, for the person who wrote it: where, what was found, what is allowed.
 */
export type Problem = {
  /** The path as it was given. */
  readonly file: string;
  /** Both count from 1; absent when the file as a whole is meant. */
  readonly line?: number;
  readonly column?: number;
  /** Such as `spec.source.mirrors[0].http.url`; absent when no field is meant. */
  readonly field?: string;
  /** What was found and what is allowed, to be read after the field's name. */
  readonly message: string;
};

/** One line in the form editors and terminals make clickable. */
export function formatProblem(problem: Problem): string {
  const { file, line, column, field, message } = problem;
  const place = line === undefined ? file : `${file}:${line}:${column ?? 1}`;
  return field === undefined ? `${place}: ${message}` : `${place}: ${field}: ${message}`;
}

/** A path into a document as people write it. */
export function fieldName(path: readonly PropertyKey[]): string {
  return path.reduce<string>((name, part) => {
    if (typeof part === "number") return `${name}[${part}]`;
    const key = String(part);
    if (!/^[A-Za-z_$][\w$]*$/.test(key)) return `${name}[${JSON.stringify(key.slice(0, 80))}]`;
    return name === "" ? key : `${name}.${key}`;
  }, "");
}
