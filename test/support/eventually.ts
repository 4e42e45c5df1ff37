/**
 * Waits for a condition, never for a time: the condition throws while it does not hold, and what it threw
 * last is what a wait that ends in vain has to say.
 */
import { setTimeout as pause } from "node:timers/promises";

export type Patience = { readonly timeoutMs?: number; readonly intervalMs?: number };

/** What `look` returns when it does not throw. */
export async function eventually<T>(
  what: string,
  look: () => T | Promise<T>,
  { timeoutMs = 60_000, intervalMs = 250 }: Patience = {},
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (Date.now() > deadline) throw inVain(what, timeoutMs, error);
      await pause(intervalMs);
    }
  }
}

function inVain(what: string, timeoutMs: number, cause: unknown): Error {
  const last = cause instanceof Error ? cause.message : String(cause);
  const message = `waited ${timeoutMs / 1000} s for ${what}; seen last: ${last}`;
  return new Error(message, { cause });
}
