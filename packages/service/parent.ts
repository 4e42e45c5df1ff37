/**
 * The IPC channel to the process that started this one, if any did.
 *
 * Without a parent, telling is a no-op: the same service runs alone in a container.
 */

export function tellParent(message: object): void {
  if (process.send === undefined || !process.connected) return;
  // The parent may go at any moment; what follows from that is the business of lifecycle.ts.
  process.send(message, undefined, undefined, () => {});
}

export function onParentMessage(handler: (message: unknown) => void): void {
  process.on("message", handler);
}
