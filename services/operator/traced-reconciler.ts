/**
 * Passes as traces: a span for each, and one below it for each write to the API server.
 *
 * A pass that writes nothing is a single span. What the operator reads comes from its caches, and takes no time.
 */
import { ApiStatusError } from "@localmodel/kube/wire/api-errors.ts";
import type { WriteObserver } from "@localmodel/kube/wire/client.ts";
import { withFields } from "@localmodel/kube/log.ts";
import type { Pass, Reconcile } from "@localmodel/kube/work/reconcile.ts";
import { type Span, type Tracer, within } from "@localmodel/telemetry/spans/span.ts";
import { reconciler, type Surroundings } from "./reconcile.ts";

/** A pass writes some ten objects; who writes more has a problem that more spans do not explain. */
const WRITES_MAX = 32;

export function tracedReconciler(tracer: Tracer, surroundings: Surroundings): Reconcile {
  return async (pass) => {
    const span = tracer.start("reconcile LocalModel", { attributes: attributesOf(pass) });
    const onWrite = writeSpans(span);
    const { client, statusClient } = surroundings;
    const reconcile = reconciler({
      ...surroundings,
      client: client.with({ onWrite }),
      statusClient: statusClient.with({ onWrite }),
    });
    const log = { trace_id: span.traceId, span_id: span.spanId };
    try {
      const outcome = await reconcile({ ...pass, log: withFields(pass.log, log) });
      span.set({ "localmodel.reconcile.result": resultOf(outcome) });
      return outcome;
    } catch (error) {
      span.fail(errorType(error));
      throw error;
    } finally {
      span.end();
    }
  };
}

function writeSpans(pass: Span): WriteObserver {
  let writes = 0;
  return async ({ method, path }, write) => {
    writes += 1;
    pass.set({ "localmodel.reconcile.writes": writes });
    if (writes > WRITES_MAX) return write();
    return within(pass, method, {
      kind: "client",
      attributes: { "http.request.method": method, "url.path": path },
      act: write,
      errorTypeOf: errorType,
    });
  };
}

function attributesOf({ name: { namespace, name } }: Pass) {
  return { "k8s.namespace.name": namespace, "localmodel.name": name };
}

function resultOf(outcome: Awaited<ReturnType<Reconcile>>): string {
  if (outcome === "requeue") return "requeue";
  return outcome === undefined ? "success" : "requeue_after";
}

function errorType(error: unknown): string {
  if (error instanceof ApiStatusError) return String(error.code);
  return error instanceof Error ? error.name : "unknown";
}
