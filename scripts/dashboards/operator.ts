/** How the operator keeps up with LocalModels, under controller-runtime's names. */
import type { Dashboard } from "./grafana.ts";
import { perSecond, quantiles, sumBy } from "./promql.ts";

const CONTROLLER = `controller="localmodel"`;

export const OPERATOR: Dashboard = {
  uid: "localmodel-operator",
  title: "LocalModel / Operator",
  about: "Whether changes of LocalModels are acted upon, and how fast.",
  variables: [],
  rows: [
    {
      title: "Passes",
      panels: [
        {
          title: "Leaders",
          about: "One, or nothing that changes is acted upon.",
          type: "stat",
          unit: "short",
          queries: [{ expr: "sum(leader_election_master_status)", legend: "leaders" }],
        },
        {
          title: "LocalModels that wait for a pass",
          about: "More than a few for long: the operator does not keep up.",
          type: "stat",
          unit: "short",
          queries: [{ expr: "sum(workqueue_depth)", legend: "waiting" }],
        },
      ],
    },
    {
      title: "Scale",
      panels: [
        {
          title: "Replicas wanted by demand",
          about: "Of models with spec.scaling; 0: it sleeps. Its status.scaling says why.",
          unit: "short",
          queries: [
            {
              expr: "max by (namespace, name) (localmodel_scale_desired_replicas)",
              legend: "{{namespace}}/{{name}}",
            },
          ],
        },
        {
          title: "Requests for models that scale",
          about: "At servers and waiting, as the API pods tell the operator.",
          unit: "short",
          queries: [
            {
              expr: "max by (namespace, name) (localmodel_scale_in_flight_requests + localmodel_scale_queued_requests)",
              legend: "{{namespace}}/{{name}}",
            },
          ],
        },
      ],
    },
    {
      title: "Over time",
      panels: [
        {
          title: "Passes by result",
          about: "Errors are tried again; the log names the LocalModel.",
          unit: "ops",
          queries: [
            {
              expr: perSecond("controller_runtime_reconcile_total", CONTROLLER, "result"),
              legend: "{{result}}",
            },
          ],
        },
        {
          title: "Duration of a pass",
          about: "The API server's answers are most of it.",
          unit: "s",
          queries: quantiles("controller_runtime_reconcile_time_seconds", CONTROLLER),
        },
        {
          title: "Wait for a pass",
          about: "From a change to the beginning of its pass.",
          unit: "s",
          queries: quantiles("workqueue_queue_duration_seconds"),
        },
      ],
    },
    {
      title: "The API server, and what it takes",
      panels: [
        {
          title: "Requests to the API server",
          about: "By status: 409 is a race that is tried again, 403 a right that is missing.",
          unit: "reqps",
          queries: [
            { expr: perSecond("rest_client_requests_total", "", "code"), legend: "{{code}}" },
          ],
        },
        {
          title: "Memory",
          about: "Of the operator's processes.",
          unit: "bytes",
          queries: [
            {
              expr: `${sumBy("instance", "process_resident_memory_bytes")} and on (instance) leader_election_master_status`,
              legend: "{{instance}}",
            },
          ],
        },
      ],
    },
  ],
};
