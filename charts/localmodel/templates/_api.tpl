{{/* The Secret that holds the API service's keys; empty where it is not told to ask for any. */}}
{{- define "localmodel.keysSecret" -}}
{{- $keys := .Values.api.keys -}}
{{- if and $keys.entries $keys.existingSecret -}}
{{- fail "api.keys: entries and existingSecret exclude each other" -}}
{{- end -}}
{{- if $keys.existingSecret -}}
{{- $keys.existingSecret -}}
{{- else if $keys.entries -}}
{{- include "localmodel.componentName" (list . "api") -}}-keys
{{- end -}}
{{- end -}}

{{/* How many replicas there are at least. */}}
{{- define "localmodel.apiReplicas" -}}
{{- ternary .Values.api.autoscaling.minReplicas .Values.api.replicas .Values.api.autoscaling.enabled -}}
{{- end -}}

{{/* Empty where anybody who reaches the API service may use it. */}}
{{- define "localmodel.asksForKeys" -}}
{{- if or (include "localmodel.keysSecret" .) .Values.api.config.keySecrets .Values.api.config.keysFile -}}
yes
{{- end -}}
{{- end -}}
