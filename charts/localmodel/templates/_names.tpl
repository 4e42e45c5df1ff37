{{/* Names and metadata. Those for a component take (list $ "api"). */}}

{{/* What objects are called after, and labelled with. */}}
{{- define "localmodel.name" -}}
{{- .Values.nameOverride | default .Chart.Name -}}
{{- end -}}

{{/* Where everything is that belongs to a namespace, and not to models. */}}
{{- define "localmodel.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace -}}
{{- end -}}

{{/* A name of a Service: no dots, and no digit first. Room is left for what comes after it. */}}
{{- define "localmodel.fullname" -}}
{{- $name := .Release.Name | replace "." "-" -}}
{{- if .Values.fullnameOverride -}}
{{- $name = .Values.fullnameOverride -}}
{{- else if not (contains (include "localmodel.name" .) $name) -}}
{{- $name = printf "%s-%s" $name (include "localmodel.name" .) -}}
{{- end -}}
{{- if regexMatch "^[0-9]" $name -}}
{{- $name = printf "r-%s" $name -}}
{{- end -}}
{{- $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "localmodel.componentName" -}}
{{- $root := index . 0 -}}
{{- printf "%s-%s" (include "localmodel.fullname" $root) (index . 1) -}}
{{- end -}}

{{- define "localmodel.serviceAccountName" -}}
{{- $account := (index (index . 0).Values (index . 1)).serviceAccount -}}
{{- if $account.name -}}
{{- $account.name -}}
{{- else if $account.create -}}
{{- include "localmodel.componentName" . -}}
{{- else -}}
default
{{- end -}}
{{- end -}}

{{/* Of a Deployment these can never change. */}}
{{- define "localmodel.selectorLabels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "localmodel.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "localmodel.labels" -}}
{{- $root := index . 0 -}}
{{ include "localmodel.selectorLabels" . }}
app.kubernetes.io/part-of: localmodel
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{/*
The metadata of an object: (dict "root" $ "component" "api" …), and where it differs "name" or "suffix", "namespace",
"clusterWide", "labels", "annotations". What the chart sets itself always stays: objects are found by it.
*/}}
{{- define "localmodel.metadata" -}}
{{- $component := list .root .component -}}
name: {{ .name | default (printf "%s%s" (include "localmodel.componentName" $component) (.suffix | default "")) }}
{{- if not .clusterWide }}
namespace: {{ .namespace | default (include "localmodel.namespace" .root) }}
{{- end }}
labels:
  {{- merge (fromYaml (include "localmodel.labels" $component)) (.labels | default dict) (.root.Values.commonLabels | default dict) | toYaml | nindent 2 }}
{{- with merge (dict) (.ownAnnotations | default dict) (.annotations | default dict) (.root.Values.commonAnnotations | default dict) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Names of Secrets with which images are pulled; a JSON array. An umbrella chart may write them in either way. */}}
{{- define "localmodel.pullSecrets" -}}
{{- $names := list -}}
{{- range concat (.Values.global.imagePullSecrets | default list) (.Values.imagePullSecrets | default list) -}}
{{- $names = append $names (kindIs "string" . | ternary . (get (kindIs "string" . | ternary dict .) "name")) -}}
{{- end -}}
{{- uniq $names | toJson -}}
{{- end -}}

{{/* (list $ $image): the reference of an image, by digest where there is one. */}}
{{- define "localmodel.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- $common := $root.Values.image -}}
{{- $repository := $image.repository -}}
{{- with $common.registry | default $root.Values.global.imageRegistry -}}
{{- $repository = printf "%s/%s" (trimSuffix "/" .) $repository -}}
{{- end -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository ($image.tag | default $common.tag | default $root.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* Namespaces, comma-separated, whose models' pods the chart has something to say about. */}}
{{- define "localmodel.modelNamespaces" -}}
{{- .Values.networkPolicy.modelNamespaces | default .Values.watchNamespaces | default list | uniq | join "," -}}
{{- end -}}

{{/* The Secret that the operator makes for the keys of models' pods; empty where it makes none. */}}
{{- define "localmodel.madeServerKey" -}}
{{- if and .Values.modelServer.key.enabled (not .Values.modelServer.key.existingSecret) -}}
{{- printf "%s-model-server-key" (include "localmodel.fullname" .) -}}
{{- end -}}
{{- end -}}

{{/* The secret that the keys of models' pods are made from: a volume, and where it is mounted. */}}
{{- define "localmodel.serverKeyVolume" -}}
{{- $made := include "localmodel.madeServerKey" . -}}
- name: server-key
  secret:
    secretName: {{ $made | default .Values.modelServer.key.existingSecret }}
    items:
      - key: {{ ternary .Values.modelServer.key.existingSecretKey "key" (empty $made) }}
        path: key
{{- end -}}

{{- define "localmodel.serverKeyMount" -}}
- name: server-key
  mountPath: /etc/localmodel/server-key
  readOnly: true
{{- end -}}
