/**
 * The operator as a process of its own, as a pod runs it: logged in with a token, without the kubeconfig
 * reader that only development needs. Its parent tells server and configuration in the environment.
 */
import { MetricRegistry } from "@localmodel/telemetry/metrics/metrics.ts";
import { Transport } from "@localmodel/kube/wire/transport.ts";
import { healthListener } from "@localmodel/kube/manager/health.ts";
import { OperatorConfig } from "@localmodel/localmodel/contracts/operator-config.ts";
import { listen } from "@localmodel/service/http/http-server.ts";
import { createLogger } from "@localmodel/service/log/log.ts";
import { createOperator } from "../../services/operator/operator.ts";

const { BENCH_SERVER = "", BENCH_TOKEN = "", BENCH_CONFIG = "{}" } = process.env;
const metrics = new MetricRegistry();
const headers = { authorization: `Bearer ${BENCH_TOKEN}` };
const transport = new Transport(
  {
    server: BENCH_SERVER,
    credentials: async () => ({ headers, tls: { rejectUnauthorized: false } }),
  },
  { metrics },
);
const operator = createOperator({
  transport,
  config: OperatorConfig.parse(JSON.parse(BENCH_CONFIG)),
  log: createLogger("operator", { level: "warn" }),
  metrics,
  identity: "bench",
  namespace: "default",
});
const listener = healthListener({ live: {}, ready: operator.checks, metrics });
const { port } = await listen(listener, { host: "127.0.0.1", port: 0 });
process.send?.(port);
process.on("disconnect", () => process.exit(0));
await operator.run(new AbortController().signal);
