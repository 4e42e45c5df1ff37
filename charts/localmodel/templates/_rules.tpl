{{/*
What each component may do, and nothing that it never does: test/cluster/used-rights.cluster.ts compares this with the
API server's audit log. Neither reads Secrets of models: the kubelet gives them to the pods that need them.
*/}}

{{- define "localmodel.operatorRules" -}}
- apiGroups: [localmodel.dev]
  resources: [localmodels]
  verbs: [list, watch]
- apiGroups: [localmodel.dev]
  resources: [localmodels/status]
  verbs: [patch]
# What it takes to name a LocalModel as an owner whose deletion waits, where the cluster enforces it.
- apiGroups: [localmodel.dev]
  resources: [localmodels/finalizers]
  verbs: [update]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [list, watch, create, patch]
- apiGroups: [""]
  resources: [services, serviceaccounts]
  verbs: [list, watch, create, patch]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [list, watch, create, patch]
# Claims go with spec.cache, inspect pods when they have said what they found. The rest goes with its LocalModel.
- apiGroups: [""]
  resources: [persistentvolumeclaims, pods]
  verbs: [list, watch, create, patch, delete]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
# While a pod waits for a node: what an autoscaler says about it, and what the nodes of the model's other pods have. While it
# is to be decided which image for NVIDIA's devices a model gets: nodes that say which driver they have.
- apiGroups: [""]
  resources: [events]
  verbs: [list]
# Whether another installation that looks after a LocalModel is still there.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [get]
{{- if not .Values.watchNamespaces }}
- apiGroups: [localmodel.dev]
  resources: [localmodelclasses]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [nodes]
  verbs: [get, list]
{{- end }}
{{- end -}}

{{- define "localmodel.apiRules" -}}
- apiGroups: [localmodel.dev]
  resources: [localmodels]
  verbs: [list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
{{- end -}}

{{/* The lease of the replica that leads. A name that does not exist yet cannot be restricted. */}}
{{- define "localmodel.electionRules" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "localmodel.componentName" (list . "operator") }}]
  verbs: [get, update]
{{- end -}}

{{/* Where the API service's pods are, which tell what is asked for. */}}
{{- define "localmodel.demandRules" -}}
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
{{- end -}}

{{/* The secret between the API service and models' pods, which the operator makes. */}}
{{- define "localmodel.serverKeyRules" -}}
- apiGroups: [""]
  resources: [secrets]
  verbs: [create]
- apiGroups: [""]
  resources: [secrets]
  resourceNames: [{{ include "localmodel.madeServerKey" . }}]
  verbs: [get]
{{- end -}}

{{/* API keys, in hashed form. A label cannot be the limit of a right, so all Secrets of the namespace are readable. */}}
{{- define "localmodel.keyRules" -}}
- apiGroups: [""]
  resources: [secrets]
  verbs: [list, watch]
{{- end -}}

{{/* (list $ "api"): the rules of a component and their binding, cluster-wide or in each watched namespace. */}}
{{- define "localmodel.grants" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $rules := include (printf "localmodel.%sRules" $component) $root -}}
{{- range $namespace := $root.Values.watchNamespaces | default list | uniq | default (list "") }}
---
{{- include "localmodel.grant" (dict "root" $root "component" $component "namespace" $namespace "clusterWide" (empty $namespace) "rules" $rules) }}
{{- end }}
{{- end -}}

{{/* A role and who has it: arguments of "localmodel.metadata", and "rules". */}}
{{- define "localmodel.grant" -}}
{{- $prefix := ternary "Cluster" "" (.clusterWide | default false) -}}
{{- $name := printf "%s%s" (include "localmodel.componentName" (list .root .component)) (.suffix | default "") }}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $prefix }}Role
metadata:
  {{- include "localmodel.metadata" . | nindent 2 }}
rules:
  {{- .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $prefix }}RoleBinding
metadata:
  {{- include "localmodel.metadata" . | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $prefix }}Role
  name: {{ $name }}
subjects:
  - kind: ServiceAccount
    name: {{ include "localmodel.serviceAccountName" (list .root .component) }}
    namespace: {{ include "localmodel.namespace" .root }}
{{- end -}}
