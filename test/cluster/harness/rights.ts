/**
 * Rights by name, from both sides: those that roles grant, and those that the API server's audit log shows in use.
 *
 * A right is written `VERB RESOURCE.GROUP`, with a subresource as `RESOURCE/SUBRESOURCE`.
 */
type Rule = {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly verbs: readonly string[];
};

type Role = { readonly metadata: { readonly name: string }; readonly rules?: readonly Rule[] };

type Binding = {
  readonly roleRef: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly { readonly kind: string; readonly name: string }[];
};

export type List<T> = { readonly items: readonly T[] };
export type Granted = { readonly roles: List<Role>; readonly bindings: List<Binding> };

/** `all`: roles and bindings of one namespace, or of the cluster. */
export function grantedTo(serviceAccount: string, { roles, bindings }: Granted): Set<string> {
  const names = new Set(
    bindings.items
      .filter(({ subjects = [] }) =>
        subjects.some(({ kind, name }) => kind === "ServiceAccount" && name === serviceAccount),
      )
      .map(({ roleRef }) => roleRef.name),
  );
  const rules = roles.items
    .filter(({ metadata }) => names.has(metadata.name))
    .flatMap((role) => role.rules ?? []);
  return new Set(
    rules.flatMap(({ apiGroups = [], resources = [], verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => verbs.map((verb) => rightTo(verb, resource, group))),
      ),
    ),
  );
}

type AuditEvent = {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: {
    readonly apiGroup?: string;
    readonly resource: string;
    readonly subresource?: string;
  };
  readonly responseStatus?: { readonly code: number };
};

const CREATED = 201;
const REFUSED = [401, 403];

/** By name of the ServiceAccount. Refused requests use no right. */
export function usedRights(auditLog: string): ReadonlyMap<string, ReadonlySet<string>> {
  const used = new Map<string, Set<string>>();
  for (const line of auditLog.split("\n")) {
    const event = eventIn(line);
    if (event === undefined) continue;
    const { username } = event.user;
    const account = username.slice(username.lastIndexOf(":") + 1);
    used.set(account, new Set([...(used.get(account) ?? []), ...rightsIn(event)]));
  }
  return used;
}

function rightsIn({ verb, objectRef, responseStatus }: AuditEvent): readonly string[] {
  const code = responseStatus?.code ?? 0;
  if (objectRef === undefined || REFUSED.includes(code)) return [];
  const { apiGroup = "", resource, subresource } = objectRef;
  const what = subresource === undefined ? resource : `${resource}/${subresource}`;
  // Applying what is not there yet takes both.
  const verbs = verb === "patch" && code === CREATED ? ["patch", "create"] : [verb];
  return verbs.map((one) => rightTo(one, what, apiGroup));
}

/** The last line may be only half written. */
function eventIn(line: string): AuditEvent | undefined {
  try {
    return JSON.parse(line) as AuditEvent;
  } catch {
    return undefined;
  }
}

function rightTo(verb: string, resource: string, group: string): string {
  return `${verb} ${resource}${group === "" ? "" : `.${group}`}`;
}
