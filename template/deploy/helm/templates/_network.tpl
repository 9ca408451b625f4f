{{/* A NetworkPolicy that lets some pods reach a component. (root, component; port: of the app, from: who; metricsPort) */}}
{{- define "app.policy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "app.metadata" (merge (dict "name" (printf "%s-%s" .root.Release.Name .component)) .) | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "app.selector" . | nindent 6 }}
  policyTypes: [Ingress]
  ingress:
    {{- if .port }}
    - ports:
        - port: {{ .port }}
          protocol: TCP
      {{- with .from }}
      from:
        {{- . | nindent 8 }}
      {{- end }}
    {{- end }}
    {{- with .metricsPort }}
    - ports:
        - port: {{ . }}
          protocol: TCP
      from:
        - podSelector: {}
        {{- with $.root.Values.network.metricsFrom }}
        {{- include "app.peers" . | nindent 8 }}
        {{- end }}
    {{- end }}
{{- end -}}

{{/* Pods by their labels; without a namespace's labels, of this namespace. (a list of peers) */}}
{{- define "app.peers" -}}
{{- range . }}
{{- if .namespaceLabels }}
- namespaceSelector:
    matchLabels:
      {{- toYaml .namespaceLabels | nindent 6 }}
  podSelector:
{{- else }}
- podSelector:
{{- end }}
    {{- if .podLabels }}
    matchLabels:
      {{- toYaml .podLabels | nindent 6 }}
    {{- else }}
    {}
    {{- end }}
{{- end }}
{{- end -}}
