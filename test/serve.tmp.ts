import { ModelServer } from "/tmp/wt/w-schema/test/support/model-server.ts";
import { smollm2Path } from "/tmp/wt/w-schema/test/support/smollm2.ts";
const server = await ModelServer.ready({ modelId: "smollm2-135m", weightsPath: await smollm2Path(), engine: { slots: 2, contextTokens: 1024, threads: 1 } } as never);
console.log(server.url);
setTimeout(async () => { await server[Symbol.asyncDispose](); process.exit(0); }, 100_000);
