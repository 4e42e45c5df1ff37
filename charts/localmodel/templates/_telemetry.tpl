{{/* What OpenTelemetry's SDKs are told, by their own variables. */}}

{{/* As a map in JSON: what holds for every process, models' servers included. */}}
{{- define "localmodel.telemetryMap" -}}
{{- $map := dict -}}
{{- with .Values.telemetry -}}
{{- if .endpoint -}}
{{- $map = dict "OTEL_EXPORTER_OTLP_ENDPOINT" .endpoint "OTEL_EXPORTER_OTLP_PROTOCOL" .protocol "OTEL_TRACES_SAMPLER" .sampler -}}
{{- if contains "ratio" .sampler -}}
{{- $_ := set $map "OTEL_TRACES_SAMPLER_ARG" (toString .samplerArgument) -}}
{{- end -}}
{{- end -}}
{{- $map = mergeOverwrite $map (.environment | default dict) -}}
{{- end -}}
{{- toJson $map -}}
{{- end -}}

{{/* As variables of a container, which also say whose pod it is. */}}
{{- define "localmodel.telemetryVariables" -}}
{{- $map := include "localmodel.telemetryMap" . | fromJson -}}
{{- if $map -}}
- name: POD_NAME
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
{{- $given := get $map "OTEL_RESOURCE_ATTRIBUTES" }}
{{- $pod := printf "k8s.namespace.name=%s,k8s.pod.name=$(POD_NAME)" (include "localmodel.namespace" .) }}
{{- range $name, $value := set $map "OTEL_RESOURCE_ATTRIBUTES" (list $given $pod | compact | join ",") }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- with .Values.telemetry.headersSecret }}
{{- if .name }}
- name: OTEL_EXPORTER_OTLP_HEADERS
  valueFrom:
    secretKeyRef: { name: {{ .name | quote }}, key: {{ .key | quote }} }
{{- end }}
{{- end }}
{{- else -}}
[]
{{- end -}}
{{- end -}}
