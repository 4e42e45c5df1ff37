/**
 * The IPC channel to the process that started this one, if any did.
 *
 * Without a parent, telling is a no-op: the same service runs alone in a container.
 */

/** Whether a parent started this process, even if it is gone by now. */
export function hasParent(): boolean {
  return process.connected !== undefined;
}

/** Whether there is a parent to be told. */
export function notifyParent(message: object): boolean {
  if (process.send === undefined || !process.connected) return false;
  // The parent may go at any moment; what follows from that is the business of lifecycle.ts.
  process.send(message, undefined, undefined, () => {});
  return true;
}

export function onParentMessage(handler: (message: unknown) => void): void {
  process.on("message", handler);
}
