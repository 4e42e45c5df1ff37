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

{{/* Empty where the API service has no Valkey. */}}
{{- define "localmodel.usesValkey" -}}
{{- $valkey := .Values.api.valkey -}}
{{- $items := compact (list $valkey.existingSecretUrlKey $valkey.existingSecretPasswordKey $valkey.existingSecretCaKey) -}}
{{- if and $items (not $valkey.existingSecret) -}}
{{- fail "api.valkey: keys of a Secret's data need existingSecret, the Secret's name" -}}
{{- end -}}
{{- if and $valkey.existingSecret (not $items) -}}
{{- fail "api.valkey: existingSecret needs existingSecretUrlKey, existingSecretPasswordKey or existingSecretCaKey" -}}
{{- end -}}
{{- if and $valkey.url $valkey.existingSecretUrlKey -}}
{{- fail "api.valkey: url and existingSecretUrlKey exclude each other" -}}
{{- end -}}
{{- if or $valkey.url $valkey.existingSecretUrlKey -}}
yes
{{- else if $items -}}
{{- fail "api.valkey: without url or existingSecretUrlKey there is no Valkey" -}}
{{- end -}}
{{- end -}}

{{/* What only a Secret may say. */}}
{{- define "localmodel.valkeyVariables" -}}
{{- $valkey := .Values.api.valkey -}}
{{- range $name, $key := dict "LOCALMODEL_VALKEY_URL" $valkey.existingSecretUrlKey "LOCALMODEL_VALKEY_PASSWORD" $valkey.existingSecretPasswordKey }}
{{- if $key }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef: { name: {{ $valkey.existingSecret }}, key: {{ $key }} }
{{- end }}
{{- end }}
{{- end -}}

{{/* How many replicas there are at least. */}}
{{- define "localmodel.apiReplicas" -}}
{{- ternary .Values.api.autoscaling.minReplicas .Values.api.replicas .Values.api.autoscaling.enabled -}}
{{- end -}}

{{/* Empty where anybody who reaches the API service may use it. */}}
{{- define "localmodel.asksForKeys" -}}
{{- if or (include "localmodel.keysSecret" .) (.Values.api.config).keySecrets (.Values.api.config).keysFile -}}
yes
{{- end -}}
{{- end -}}
