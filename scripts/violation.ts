/** What a wall says of a module that goes through it. */
export type Violation = { readonly path: string; readonly line: number; readonly message: string };
