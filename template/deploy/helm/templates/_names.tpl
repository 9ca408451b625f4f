{{/* What objects are called, and the labels by which they find each other. */}}

{{/* The labels of one component's pods. They never change: a Deployment's selector cannot. (root, component) */}}
{{- define "app.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* Name, namespace and labels of an object of one component. (root, component, name; extraLabels where there are any) */}}
{{- define "app.metadata" -}}
name: {{ .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "app.selector" . | nindent 2 }}
  app.kubernetes.io/managed-by: {{ .root.Release.Service }}
  {{- with .extraLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* The ServiceAccount of the pods. */}}
{{- define "app.account" -}}
{{- if .Values.account.name }}{{ .Values.account.name }}
{{- else if .Values.account.create }}{{ .Release.Name }}
{{- else }}default
{{- end -}}
{{- end -}}

{{/* An image by its digest, else by its tag. (an image's values) */}}
{{- define "app.image" -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag }}{{ end }}
{{- end -}}

{{/* What the ConfigMap holds: the settings that all of the app's programs read. */}}
{{- define "app.config" -}}
{{- with .Values.config }}
BODY_LIMIT: {{ int64 .bodyLimit | quote }}
CACHE_TTL: {{ printf "%ds" (int64 .cacheSeconds) | quote }}
DRAIN_DELAY: {{ printf "%ds" (int64 .drainSeconds) | quote }}
LOG_FORMAT: {{ .logFormat | quote }}
LOG_LEVEL: {{ .logLevel | quote }}
REQUEST_TIMEOUT: {{ printf "%ds" (int64 .requestTimeoutSeconds) | quote }}
SHUTDOWN_TIMEOUT: {{ printf "%ds" (int64 .shutdownSeconds) | quote }}
{{- end }}
{{- end -}}
