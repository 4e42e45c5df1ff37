/** How many threads a step uses, by what it is: one that evaluates much of a prompt, or one that answers. */
export type ThreadCounts = { readonly prompt: number; readonly answer: number };

export const NO_THREADS: ThreadCounts = { prompt: 0, answer: 0 };
