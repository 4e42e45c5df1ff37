/** The trace of a chat request as ../../../docs say it: everything that is done for it, and nothing else. */
import { MODEL } from "./stack.ts";

export const CHAT_TREE = `
localmodel-api POST /v1/chat/completions [server]
  route [internal]
  queue [internal]
  pick [internal]
  POST [client]
    localmodel-model-server POST /v1/chat/completions [server]
      validate [internal]
      chat ${MODEL} [internal]
        template [internal]
        queue [internal]
        prefill [internal]
        decode [internal]
`.trim();
