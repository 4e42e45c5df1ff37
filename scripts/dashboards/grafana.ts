/**
 * Grafana dashboards from a short description: rows of panels, and panels of PromQL.
 *
 * Only what differs between panels is said; size and place follow from the number of panels in a row.
 */

type Unit = "short" | "s" | "bytes" | "percentunit" | "reqps" | "ops";

export type Query = {
  readonly expr: string;
  /** With labels in double braces. */
  readonly legend: string;
};

type Panel = {
  readonly title: string;
  /** What a person does with it. */
  readonly about: string;
  readonly unit: Unit;
  readonly queries: readonly Query[];
  /** Default: lines over time. A stat shows the latest number. */
  readonly type?: "timeseries" | "stat";
  /** Whether a point of the line leads to a trace. */
  readonly exemplars?: boolean;
};

export type Row = { readonly title: string; readonly panels: readonly Panel[] };

type Variable = {
  readonly name: string;
  readonly label: string;
  /** Whose values of which label there are to choose from. */
  readonly metric: string;
  readonly of: string;
};

export type Dashboard = {
  /** Stays the same for ever: links lead to it. */
  readonly uid: string;
  readonly title: string;
  readonly about: string;
  readonly variables: readonly Variable[];
  readonly rows: readonly Row[];
};

const SCHEMA_VERSION = 39;
const WIDTH = 24;
const HEIGHTS = { timeseries: 8, stat: 4 } as const;
/** Grafana asks whoever imports it which one; the name of the variable is a convention. */
const DATASOURCE = { type: "prometheus", uid: "${datasource}" };

export function grafanaJson(dashboard: Dashboard): string {
  const { uid, title, about, variables, rows } = dashboard;
  const model = {
    uid,
    title,
    description: about,
    tags: ["localmodel"],
    schemaVersion: SCHEMA_VERSION,
    editable: true,
    refresh: "30s",
    time: { from: "now-1h", to: "now" },
    templating: { list: [datasourceVariable(), ...variables.map(queryVariable)] },
    panels: placed(rows),
  };
  return `${JSON.stringify(model, undefined, 2)}\n`;
}

function placed(rows: readonly Row[]): readonly object[] {
  const panels: object[] = [];
  let y = 0;
  for (const row of rows) {
    panels.push({
      id: panels.length + 1,
      type: "row",
      title: row.title,
      collapsed: false,
      panels: [],
      gridPos: { x: 0, y, w: WIDTH, h: 1 },
    });
    y += 1;
    const w = WIDTH / row.panels.length;
    const h = Math.max(...row.panels.map(heightOf));
    for (const [index, panel] of row.panels.entries())
      panels.push({
        id: panels.length + 1,
        ...panelJson(panel),
        gridPos: { x: index * w, y, w, h },
      });
    y += h;
  }
  return panels;
}

function heightOf({ type = "timeseries" }: Panel): number {
  return HEIGHTS[type];
}

function panelJson({ title, about, unit, queries, type = "timeseries", exemplars = false }: Panel) {
  return {
    type,
    title,
    description: about,
    datasource: DATASOURCE,
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    options:
      type === "stat"
        ? { reduceOptions: { calcs: ["lastNotNull"] } }
        : { tooltip: { mode: "multi", sort: "desc" } },
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode(65 + index),
      datasource: DATASOURCE,
      expr,
      legendFormat: legend,
      range: true,
      exemplar: exemplars,
    })),
  };
}

function datasourceVariable() {
  return { name: "datasource", label: "Data source", type: "datasource", query: "prometheus" };
}

function queryVariable({ name, label, metric, of }: Variable) {
  return {
    name,
    label,
    type: "query",
    datasource: DATASOURCE,
    query: { query: `label_values(${metric}, ${of})`, refId: name },
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: ".*",
    current: { text: "All", value: "$__all" },
  };
}
