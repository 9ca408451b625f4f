{{/* A component's Service. (root, component, values) */}}
{{- define "app.service" -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "app.metadata" (merge (dict "name" (printf "%s-%s" .root.Release.Name .component)) .) | nindent 2 }}
  {{- with .values.service.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  type: {{ .values.service.type }}
  sessionAffinity: None
  selector:
    {{- include "app.selector" . | nindent 4 }}
  ports:
    - name: http
      port: {{ int .values.service.port }}
      targetPort: http
      protocol: TCP
      {{- with .values.service.nodePort }}
      nodePort: {{ int . }}
      {{- end }}
{{- end -}}

{{/* A component's HorizontalPodAutoscaler, if it has one. (root, component, values) */}}
{{- define "app.autoscaler" -}}
{{- if .values.autoscaling.enabled -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  {{- include "app.metadata" (merge (dict "name" (printf "%s-%s" .root.Release.Name .component)) .) | nindent 2 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ .root.Release.Name }}-{{ .component }}
  minReplicas: {{ int .values.autoscaling.minReplicas }}
  maxReplicas: {{ int .values.autoscaling.maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ int .values.autoscaling.targetCPUUtilizationPercentage }}
{{- end -}}
{{- end -}}

{{/* A component's PodDisruptionBudget, if it has one. (root, component, values) */}}
{{- define "app.disruption" -}}
{{- if .values.disruption.enabled -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "app.metadata" (merge (dict "name" (printf "%s-%s" .root.Release.Name .component)) .) | nindent 2 }}
spec:
  maxUnavailable: {{ int .values.disruption.maxUnavailable }}
  selector:
    matchLabels:
      {{- include "app.selector" . | nindent 6 }}
{{- end -}}
{{- end -}}
