{{/* The parts that this project has, as the programs' pods see them; the only file that names them all. */}}

{{/* Whether a program that uses the servers reads the Secret: "true" or nothing. (root) */}}
{{- define "services.secrets" -}}
{{- if eq .Values.postgres.mode "external" }}true{{ end }}
{{- if or (eq .Values.redis.mode "internal") (and (eq .Values.redis.mode "external") (not .Values.redis.url)) }}true{{ end }}
{{- end -}}

{{/* Where a program finds the servers. (root) */}}
{{- define "services.env" -}}
{{- if eq .Values.postgres.mode "external" }}
- name: DATABASE_URL_FILE
  value: /run/secrets/database_url
{{- end }}
{{- if and (eq .Values.redis.mode "external") .Values.redis.url }}
- name: REDIS_URL
  value: {{ .Values.redis.url }}
{{- else if ne .Values.redis.mode "none" }}
- name: REDIS_URL_FILE
  value: /run/secrets/redis_url
{{- end }}
{{- end -}}

{{/* The container that brings the database to the release's schema before the program starts. (as app.deployment) */}}
{{- define "services.migrate" -}}
{{- if and (eq .root.Values.postgres.mode "external") .root.Values.migrations.enabled -}}
- name: migrate
  args: [migrate]
  {{- include "app.container" . | nindent 2 }}
{{- end -}}
{{- end -}}

{{/* Who may call the API: nobody named is everybody. (root) */}}
{{- define "services.callers" -}}
- podSelector:
    matchLabels:
      {{- include "app.selector" (dict "root" . "component" "frontend") | nindent 6 }}
{{- end -}}

{{/* Who may call a Redis in the namespace. (root) */}}
{{- define "services.clients" -}}
{{- range $component := list "backend" "worker" "scheduler" "board" }}
- podSelector:
    matchLabels:
      {{- include "app.selector" (dict "root" $ "component" $component) | nindent 6 }}
{{- end }}
{{- end -}}

{{/* The component that the way in leads to. (root) */}}
{{- define "services.entry" -}}
frontend
{{- end -}}
