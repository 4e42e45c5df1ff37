{{/*
Rules of NetworkPolicies. Ways out to the API server and to DNS name ports and no addresses: both are reached in ways
(the node's own address, a cache on each node) that rules by address do not match on every network.
*/}}

{{/* (dict "ports" (list 80 443)) */}}
{{- define "localmodel.tcpPorts" -}}
{{- range $index, $port := .ports }}
{{- if $index }}
{{ end -}}
- { protocol: TCP, port: {{ $port }} }
{{- end }}
{{- end -}}

{{- define "localmodel.dnsEgress" -}}
- ports:
    - { protocol: UDP, port: 53 }
    - { protocol: TCP, port: 53 }
{{- end -}}

{{- define "localmodel.apiServerEgress" -}}
- ports:
    {{- include "localmodel.tcpPorts" (dict "ports" (uniq .Values.networkPolicy.apiServerPorts)) | nindent 4 }}
{{- end -}}

{{/* Of an endpoint without one: 80 or 443. */}}
{{- define "localmodel.telemetryPort" -}}
{{- $endpoint := .Values.telemetry.endpoint -}}
{{- $authority := (urlParse $endpoint).host -}}
{{- regexFind ":[0-9]+$" $authority | trimPrefix ":" | default (hasPrefix "https" $endpoint | ternary "443" "80") -}}
{{- end -}}

{{- define "localmodel.telemetryEgress" -}}
{{- if .Values.telemetry.endpoint -}}
- ports:
    - { protocol: TCP, port: {{ include "localmodel.telemetryPort" . }} }
{{- end -}}
{{- end -}}

{{/* Servers of all models and what brings their weights. */}}
{{- define "localmodel.modelEgress" -}}
- to:
    {{- range include "localmodel.modelNamespaces" . | splitList "," }}
    - namespaceSelector:
        {{- if . }}
        matchLabels: { kubernetes.io/metadata.name: {{ . }} }
        {{- else }}
        {}
        {{- end }}
      podSelector:
        matchLabels:
          app.kubernetes.io/managed-by: localmodel-operator
    {{- end }}
{{- end -}}
