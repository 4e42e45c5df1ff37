{{/*
CEL for the admission policy. A file may come from its source or from any of its mirrors: `place` stands for each of
them, and what is said about it has to hold for all.
*/}}

{{/* An expression about `place`. */}}
{{- define "localmodel.everyPlace" -}}
variables.files.all(place, {{ . }}) && variables.files.all(file, file.?mirrors.orValue([]).all(place, {{ . }}))
{{- end -}}

{{/* (list "a" "b"): 'a', 'b'. Values are such that they need no escaping. */}}
{{- define "localmodel.celStrings" -}}
{{- $quoted := list -}}
{{- range . -}}{{- $quoted = append $quoted (squote .) -}}{{- end -}}
{{- $quoted | join ", " -}}
{{- end -}}

{{- define "localmodel.allowedTypes" -}}
{{- $kinds := list -}}
{{- range . -}}{{- $kinds = append $kinds (printf "has(place.%s)" .) -}}{{- end -}}
{{- $kinds | join " || " -}}
{{- end -}}

{{/* An owner, or one repository. */}}
{{- define "localmodel.allowedRepos" -}}
{{- $repos := list "!has(place.huggingFace)" -}}
{{- range . -}}
{{- $repos = append $repos (contains "/" . | ternary (printf "place.huggingFace.repo == '%s'" .) (printf "place.huggingFace.repo.startsWith('%s/')" .)) -}}
{{- end -}}
{{- $repos | join " || " -}}
{{- end -}}

{{/* Of http and s3. Amazon's own address follows from the region. */}}
{{- define "localmodel.allowedHosts" -}}
{{- $host := "(has(place.http) ? url(place.http.url).getHostname() : has(place.s3.endpoint) ? url(place.s3.endpoint).getHostname() : 's3.' + place.s3.region + '.amazonaws.com').lowerAscii()" -}}
{{- $hosts := list "(!has(place.http) && !has(place.s3))" -}}
{{- range . -}}
{{- $hosts = append $hosts (hasPrefix "*." . | ternary (printf "%s.endsWith('%s')" $host (trimPrefix "*" .)) (printf "%s == '%s'" $host .)) -}}
{{- end -}}
{{- $hosts | join " || " -}}
{{- end -}}

{{- define "localmodel.allowedImages" -}}
{{- $images := list "!has(place.image)" -}}
{{- range . -}}
{{- $name := trimSuffix "/" . -}}
{{- $images = append $images (printf "place.image.reference.startsWith('%s/') || place.image.reference.startsWith('%s@') || place.image.reference.startsWith('%s:')" $name $name $name) -}}
{{- end -}}
{{- $images | join " || " -}}
{{- end -}}

{{/* A list of patterns as a regular expression: `*` stands for any characters. */}}
{{- define "localmodel.patterns" -}}
{{- $expressions := list -}}
{{- range . -}}{{- $expressions = append $expressions (. | replace "." "[.]" | replace "*" ".*") -}}{{- end -}}
^({{ $expressions | join "|" }})$
{{- end -}}

{{/* The same list, with what else has a meaning in regular expressions taken as it is; a JSON array. */}}
{{- define "localmodel.plainPatterns" -}}
{{- $plain := list -}}
{{- range . -}}{{- $plain = append $plain (. | replace "+" "[+]") -}}{{- end -}}
{{- $plain | toJson -}}
{{- end -}}

{{/* An expression about `one`, a variable of spec.env. */}}
{{- define "localmodel.allowedVariable" -}}
{{- $usual := include "localmodel.usualVariables" . | splitList ", " -}}
{{- $file := include "localmodel.fileVariable" . -}}
(one.name.matches('{{ include "localmodel.patterns" $usual }}') && !one.name.matches('{{ $file }}'))
{{- with .Values.modelServer.environmentPolicy.variables }} || one.name.matches('{{ include "localmodel.patterns" . }}'){{ end -}}
{{- end -}}

{{/* (list $ "secret" "secrets"): the same of what it refers to. */}}
{{- define "localmodel.allowedReference" -}}
{{- $ref := printf "one.?valueFrom.?%sKeyRef" (index . 1) -}}
!{{ $ref }}.hasValue()
{{- with index (index . 0).Values.modelServer.environmentPolicy (index . 2) }} || {{ $ref | replace "?" "" }}.name.matches('{{ include "localmodel.patterns" . }}'){{ end -}}
{{- end -}}

{{/* What names the parts of `file`, whatever it is. */}}
{{- define "localmodel.pathsOfFile" -}}
[file.?huggingFace.?file, file.?http.?url, file.?s3.?key, file.?persistentVolumeClaim.?path, file.?image.?path, file.?file.?path, file.?pythonPackage.?path]
{{- end -}}

{{/* The name of the first part of a split GGUF; in a URL any character may be written by its number. */}}
{{- define "localmodel.splitName" -}}
(-|%2[dD])([0-9]|%3[0-9]){5}(-|%2[dD])(o|%6[fF])(f|%66)(-|%2[dD])([0-9]|%3[0-9]){5}([.]|%2[eE])(g|%67)(g|%67)(u|%75)(f|%66)
{{- end -}}
