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
  {{- if eq .values.service.type "LoadBalancer" }}
  allocateLoadBalancerNodePorts: true
  {{- end }}
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
  # What Kubernetes does when nothing is said, said.
  behavior:
    scaleUp:
      stabilizationWindowSeconds: 0
      selectPolicy: Max
      policies:
        - type: Pods
          value: 4
          periodSeconds: 15
        - type: Percent
          value: 100
          periodSeconds: 15
    scaleDown:
      stabilizationWindowSeconds: 300
      selectPolicy: Max
      policies:
        - type: Percent
          value: 100
          periodSeconds: 15
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
