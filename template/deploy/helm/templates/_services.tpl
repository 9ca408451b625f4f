{{/* The parts that this project has, as the API's pods see them; the only file that names them all. */}}

{{/* Whether the API reads the Secret: "true" or nothing. (root) */}}
{{- define "services.secrets" -}}
{{- if eq .Values.postgres.mode "external" }}true{{ end }}
{{- if or (eq .Values.redis.mode "internal") (and (eq .Values.redis.mode "external") (not .Values.redis.url)) }}true{{ end }}
{{- end -}}

{{/* Where the API finds its servers. (root) */}}
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

{{/* The container that brings the database to the release's schema before the API starts. (as app.deployment) */}}
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

{{/* The component that the way in leads to. (root) */}}
{{- define "services.entry" -}}
frontend
{{- end -}}
