{{/* Near, or away from, which nodes and pods. (`pod.affinity`) */}}
{{- define "app.affinity" -}}
{{- if or .node.required .node.preferred .pod.required .pod.preferred .antiPod.required .antiPod.preferred -}}
affinity:
  {{- if or .node.required .node.preferred }}
  nodeAffinity:
    {{- with .node.required }}
    requiredDuringSchedulingIgnoredDuringExecution:
      nodeSelectorTerms:
        {{- range . }}
        - matchExpressions:
            {{- include "app.expressions" .matchExpressions | nindent 12 }}
        {{- end }}
    {{- end }}
    {{- with .node.preferred }}
    preferredDuringSchedulingIgnoredDuringExecution:
      {{- range . }}
      - weight: {{ int .weight }}
        preference:
          matchExpressions:
            {{- include "app.expressions" .matchExpressions | nindent 12 }}
      {{- end }}
    {{- end }}
  {{- end }}
  {{- if or .pod.required .pod.preferred }}
  podAffinity:
    {{- include "app.podTerms" .pod | nindent 4 }}
  {{- end }}
  {{- if or .antiPod.required .antiPod.preferred }}
  podAntiAffinity:
    {{- include "app.podTerms" .antiPod | nindent 4 }}
  {{- end }}
{{- end -}}
{{- end -}}

{{/* Conditions on a node's labels. (a list) */}}
{{- define "app.expressions" -}}
{{- range . }}
- key: {{ .key }}
  operator: {{ .operator }}
  {{- with .values }}
  values:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* What must hold, and what should. (`pod.affinity.pod` or `.antiPod`) */}}
{{- define "app.podTerms" -}}
{{- with .required -}}
requiredDuringSchedulingIgnoredDuringExecution:
  {{- range . }}
  - topologyKey: {{ .topologyKey }}
    labelSelector:
      matchLabels:
        {{- toYaml (default dict .matchLabels) | nindent 8 }}
  {{- end }}
{{- end }}
{{- with .preferred }}
preferredDuringSchedulingIgnoredDuringExecution:
  {{- range . }}
  - weight: {{ int .weight }}
    podAffinityTerm:
      topologyKey: {{ .topologyKey }}
      labelSelector:
        matchLabels:
          {{- toYaml (default dict .matchLabels) | nindent 10 }}
  {{- end }}
{{- end }}
{{- end -}}
