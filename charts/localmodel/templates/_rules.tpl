{{/* What each component may do. Neither reads Secrets: the kubelet gives them to the pods that need them. */}}

{{- define "localmodel.operatorRules" -}}
- apiGroups: [localmodel.dev]
  resources: [localmodels]
  verbs: [get, list, watch]
- apiGroups: [localmodel.dev]
  resources: [localmodels/status]
  verbs: [patch]
# What it takes to name a LocalModel as an owner whose deletion waits, where the cluster enforces it.
- apiGroups: [localmodel.dev]
  resources: [localmodels/finalizers]
  verbs: [update]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [services, serviceaccounts, persistentvolumeclaims, pods]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: ["", events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}

{{- define "localmodel.apiRules" -}}
- apiGroups: [localmodel.dev]
  resources: [localmodels]
  verbs: [get, list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [get, list, watch]
{{- end -}}

{{/* (list $ "api"): the rules of a component and their binding, cluster-wide or in each watched namespace. */}}
{{- define "localmodel.grants" -}}
{{- $root := index . 0 -}}
{{- $context := . -}}
{{- $name := include "localmodel.componentName" . -}}
{{- $rules := include (printf "localmodel.%sRules" (index . 1)) $root -}}
{{- range $namespace := $root.Values.watchNamespaces | default (list "") }}
{{- $prefix := empty $namespace | ternary "Cluster" "" }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $prefix }}Role
metadata:
  name: {{ $name }}
  {{- with $namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "localmodel.labels" $context | nindent 4 }}
rules:
  {{- $rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $prefix }}RoleBinding
metadata:
  name: {{ $name }}
  {{- with $namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "localmodel.labels" $context | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $prefix }}Role
  name: {{ $name }}
subjects:
  - kind: ServiceAccount
    name: {{ include "localmodel.serviceAccountName" $context }}
    namespace: {{ $root.Release.Namespace }}
{{- end }}
{{- end -}}
