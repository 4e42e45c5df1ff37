/**
 * What `podTemplatePatch` of a class may say of the pods that serve, which is all but what the operator has to be sure of,
 * or has another field for: how pods end, where they may run, what they ask for, who sees Secrets, and what its own
 * containers run. Pure.
 */
import {
  CACHE_FOLDER,
  FETCH_CONTAINER,
  INSPECT_CONTAINER,
  MODEL_FOLDER,
  PROMPTS_FOLDER,
  SECRETS_FOLDER,
  SERVER_CONTAINER,
  TERMINATION_LOG_PATH,
} from "@localmodel/localmodel/cluster/pod-layout.ts";
import { FETCH_CONFIG_VARIABLE } from "@localmodel/localmodel/contracts/fetch-config.ts";
import { SERVER_CONFIG_VARIABLE } from "@localmodel/localmodel/contracts/server-config.ts";
import { type Fields, isFields } from "../model/fields.ts";
import { CUDA_CACHE_VARIABLE } from "./compiled-code.ts";
import { CA_FOLDER, OWN_VOLUME, SECRET_VOLUME } from "./volumes.ts";

/** `path`: names of fields, and of items of lists. */
type Problem = { readonly path: readonly string[]; readonly message: string };
type Look = (fields: Fields, path: readonly string[]) => readonly Problem[];

const MAX_CHARACTERS = 65_536;

const OWN = "belongs to the operator";
const ELSEWHERE = "is another field of the class";

const REFUSED: Fields = {
  activeDeadlineSeconds: OWN,
  automountServiceAccountToken: OWN,
  enableServiceLinks: OWN,
  hostIPC: OWN,
  hostNetwork: OWN,
  hostPID: OWN,
  nodeName: OWN,
  priority: OWN,
  resourceClaims: OWN,
  restartPolicy: OWN,
  terminationGracePeriodSeconds: `${OWN}, and follows from spec.rollout.drainSeconds of a LocalModel`,
  imagePullSecrets: ELSEWHERE,
  nodeSelector: ELSEWHERE,
  priorityClassName: ELSEWHERE,
  resources: ELSEWHERE,
  runtimeClassName: ELSEWHERE,
  schedulerName: ELSEWHERE,
  serviceAccount: ELSEWHERE,
  serviceAccountName: ELSEWHERE,
  tolerations: ELSEWHERE,
};

const REFUSED_OF_SECURITY: Fields = {
  runAsNonRoot: OWN,
  fsGroup: `${ELSEWHERE}: podSecurity`,
  runAsGroup: `${ELSEWHERE}: podSecurity`,
  runAsUser: `${ELSEWHERE}: podSecurity`,
  supplementalGroups: ELSEWHERE,
};

/** All else of the operator's own containers is the operator's. */
const FREE_IN_OWN = ["name", "env", "envFrom", "volumeMounts", "securityContext"];
const FREE_IN_OWN_SECURITY = ["appArmorProfile", "seLinuxOptions", "seccompProfile"];

/** Where each is: in another list it would be a second one of that name. */
const OWN_CONTAINERS = new Map([
  [FETCH_CONTAINER, "initContainers"],
  [SERVER_CONTAINER, "containers"],
  [INSPECT_CONTAINER, ""],
]);

const OWN_VARIABLES: readonly string[] = [
  SERVER_CONFIG_VARIABLE,
  FETCH_CONFIG_VARIABLE,
  CUDA_CACHE_VARIABLE,
];

const OWN_FOLDERS = [
  CA_FOLDER,
  CACHE_FOLDER,
  MODEL_FOLDER,
  PROMPTS_FOLDER,
  SECRETS_FOLDER,
  TERMINATION_LOG_PATH,
  "/tmp",
];

/** As a sentence that begins with the path; undefined where all is well. */
export function patchProblem(spec: Fields): string | undefined {
  const [problem] = problemsOf(spec);
  return problem && `podTemplatePatch.${["spec", ...problem.path].join(".")} ${problem.message}`;
}

function problemsOf(spec: Fields): readonly Problem[] {
  if (JSON.stringify(spec).length > MAX_CHARACTERS)
    return [{ path: [], message: `is longer than ${MAX_CHARACTERS} characters` }];
  return [
    ...directives(spec, []),
    ...refused(spec, REFUSED, []),
    ...inObject(spec, "affinity", [], (affinity, path) =>
      refused(affinity, { nodeAffinity: OWN }, path),
    ),
    ...inObject(spec, "securityContext", [], (security, path) =>
      refused(security, REFUSED_OF_SECURITY, path),
    ),
    ...["initContainers", "containers"].flatMap((list) =>
      inList(spec, list, [], (one, path) => containerProblems(one, list, path)),
    ),
    ...inList(spec, "volumes", [], ({ name }, path) => ownIf(OWN_VOLUME.test(String(name)), path)),
  ];
}

function containerProblems(
  container: Fields,
  list: string,
  path: readonly string[],
): readonly Problem[] {
  const home = OWN_CONTAINERS.get(String(container["name"]));
  // Secrets are for who fetches.
  const secrets = inList(container, "volumeMounts", path, ({ name }, at) =>
    ownIf(SECRET_VOLUME.test(String(name)), at),
  );
  if (home === undefined) return secrets;
  if (home !== list) return ownIf(true, path);
  return [
    ...besides(container, FREE_IN_OWN, path),
    ...secrets,
    ...inList(container, "env", path, ({ name }, at) =>
      ownIf(OWN_VARIABLES.includes(String(name)), at),
    ),
    ...inList(container, "volumeMounts", path, ({ mountPath }, at) =>
      ownIf(isOwnFolder(String(mountPath)), at),
    ),
    ...inObject(container, "securityContext", path, (security, at) =>
      besides(security, FREE_IN_OWN_SECURITY, at),
    ),
  ];
}

/** Such a folder, what is in one, and what one is in. */
function isOwnFolder(mountPath: string): boolean {
  const path = `${mountPath.replace(/\/+$/, "")}/`;
  return OWN_FOLDERS.some((own) => path.startsWith(`${own}/`) || `${own}/`.startsWith(path));
}

function ownIf(isOwn: boolean, path: readonly string[]): readonly Problem[] {
  return isOwn ? [{ path, message: OWN }] : [];
}

function besides(fields: Fields, free: readonly string[], path: readonly string[]) {
  const others = Object.keys(fields).filter((field) => !free.includes(field));
  return others.map((field) => ({ path: [...path, field], message: OWN }));
}

function refused(fields: Fields, why: Fields, path: readonly string[]): readonly Problem[] {
  return Object.keys(fields)
    .filter((field) => Object.hasOwn(why, field))
    .map((field) => ({ path: [...path, field], message: String(why[field]) }));
}

/** What is partly the operator's is not taken away as a whole. */
function inObject(fields: Fields, field: string, above: readonly string[], look: Look) {
  const value = fields[field];
  const path = [...above, field];
  if (value === undefined) return [];
  return isFields(value) ? look(value, path) : [{ path, message: "must be an object" }];
}

function inList(fields: Fields, field: string, above: readonly string[], look: Look) {
  const value: unknown = fields[field];
  const path = [...above, field];
  if (value === undefined) return [];
  if (!Array.isArray(value)) return [{ path, message: "must be a list" }];
  return value.flatMap((one: unknown, index) => {
    const { mountPath, name } = isFields(one) ? one : {};
    const key = mountPath ?? name;
    if (!isFields(one) || typeof key !== "string") {
      return [{ path: [...path, String(index)], message: "must be an object with a name" }];
    }
    return look(one, [...path, key]);
  });
}

/** Kubernetes' own words for it are for patches that are sent, and not for those that are kept. */
function directives(value: unknown, path: readonly string[]): readonly Problem[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key.startsWith("$")
      ? [{ path: [...path, key], message: "is not understood: null takes a field away" }]
      : directives(inner, [...path, key]),
  );
}
