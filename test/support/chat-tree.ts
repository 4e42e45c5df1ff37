/** The trace of a chat request as docs/telemetry.md says it: everything that is done for it, and nothing else. */
export function chatTree(model: string): string {
  return `
localmodel-api POST /v1/chat/completions [server]
  route [internal]
  queue [internal]
  pick [internal]
  POST [client]
    localmodel-model-server POST /v1/chat/completions [server]
      validate [internal]
      chat ${model} [internal]
        template [internal]
        queue [internal]
        prefill [internal]
        decode [internal]
`.trim();
}
