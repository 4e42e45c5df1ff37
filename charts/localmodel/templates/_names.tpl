{{/* Names and labels. Those for a component take (list $ "api"). */}}

{{- define "localmodel.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
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

{{- define "localmodel.commonLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: localmodel
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{/* Of a Deployment these can never change. */}}
{{- define "localmodel.selectorLabels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ $root.Chart.Name }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "localmodel.labels" -}}
{{ include "localmodel.selectorLabels" . }}
{{ include "localmodel.commonLabels" (index . 0) }}
{{- end -}}

{{/* (list $ image): the reference of an image, by digest where there is one. */}}
{{- define "localmodel.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- $common := $root.Values.image -}}
{{- $repository := $image.repository -}}
{{- if $common.registry -}}
{{- $repository = printf "%s/%s" (trimSuffix "/" $common.registry) $repository -}}
{{- end -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository ($image.tag | default $common.tag | default $root.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}
