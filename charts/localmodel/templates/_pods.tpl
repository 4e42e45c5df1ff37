{{/* What the pods of both components have in common. All take (list $ "api"). */}}

{{- define "localmodel.podMetadata" -}}
{{- $root := index . 0 -}}
{{- $component := index $root.Values (index . 1) -}}
{{- $own := dict "app.kubernetes.io/part-of" "localmodel" -}}
labels:
  {{- merge (fromYaml (include "localmodel.selectorLabels" .)) $own ($component.podLabels | default dict) ($root.Values.commonLabels | default dict) | toYaml | nindent 2 }}
{{- with merge (dict) ($component.podAnnotations | default dict) ($root.Values.commonAnnotations | default dict) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* All but the containers and volumes. */}}
{{- define "localmodel.podSettings" -}}
{{- $root := index . 0 -}}
{{- $component := index $root.Values (index . 1) -}}
serviceAccountName: {{ include "localmodel.serviceAccountName" . }}
automountServiceAccountToken: true
enableServiceLinks: false
securityContext:
  {{- toYaml $root.Values.podSecurityContext | nindent 2 }}
{{- with include "localmodel.pullSecrets" $root | fromJsonArray }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with $component.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $component.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $component.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $component.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
  {{- if $component.topologySpreadConstraints }}
  {{- toYaml $component.topologySpreadConstraints | nindent 2 }}
  {{- else }}
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "localmodel.selectorLabels" . | nindent 8 }}
  {{- end }}
{{- with $component.extraInitContainers }}
initContainers:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- $own := list "serviceAccountName" "automountServiceAccountToken" "enableServiceLinks" "securityContext" "imagePullSecrets" "priorityClassName" "nodeSelector" "tolerations" "affinity" "topologySpreadConstraints" "initContainers" "containers" "volumes" "terminationGracePeriodSeconds" }}
{{- range $own }}
{{- if hasKey ($component.extraPodSpec | default dict) . }}
{{- fail (printf "%s.extraPodSpec.%s: the chart sets it; use the value of its own" (index $ 1) .) }}
{{- end }}
{{- end }}
{{- with $component.extraPodSpec }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "localmodel.containerSettings" -}}
{{- $root := index . 0 -}}
{{- $component := index $root.Values (index . 1) -}}
image: {{ include "localmodel.image" (list $root $component.image) }}
{{- with $component.image.pullPolicy | default $root.Values.image.pullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
securityContext:
  {{- toYaml $root.Values.securityContext | nindent 2 }}
livenessProbe:
  httpGet: { path: /healthz, port: http }
  {{- merge (deepCopy ($component.livenessProbe | default dict)) (dict "periodSeconds" 10 "timeoutSeconds" 5 "failureThreshold" 6) | toYaml | nindent 2 }}
readinessProbe:
  httpGet: { path: /readyz, port: http }
  {{- merge (deepCopy ($component.readinessProbe | default dict)) (dict "periodSeconds" 2 "timeoutSeconds" 2) | toYaml | nindent 2 }}
{{- with $component.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $component.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* (list $ "api" $own): variables of a container. Of two with one name the later counts, extraEnv's last. */}}
{{- define "localmodel.env" -}}
{{- $root := index . 0 -}}
{{- $names := list -}}
{{- $byName := dict -}}
{{- $telemetry := include "localmodel.telemetryVariables" $root | fromYamlArray -}}
{{- range concat (list (dict "name" "LOG_LEVEL" "value" $root.Values.logLevel)) $telemetry (index . 2) ((index $root.Values (index . 1)).extraEnv | default list) -}}
{{- $names = append (without $names .name) .name -}}
{{- $_ := set $byName .name . -}}
{{- end -}}
{{- range $names }}
- {{ toYaml (index $byName .) | nindent 2 | trim }}
{{- end }}
{{- end -}}
