{{/* A component's Deployment. (root, component, values, metricsPort, env, secrets: whether it reads them,
     initContainers; port: where it has one that others call, probed: the port that is probed, if it is another;
     args: its command, image: if it is another component's) */}}
{{- define "app.deployment" -}}
{{- $pod := .root.Values.pod -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "app.metadata" (merge (dict "name" (printf "%s-%s" .root.Release.Name .component)) .) | nindent 2 }}
spec:
  {{- if not (dig "autoscaling" "enabled" false .values) }}
  replicas: {{ int .values.replicas }}
  {{- end }}
  revisionHistoryLimit: 10
  progressDeadlineSeconds: 600
  # A new pod serves before an old one ends.
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: 1
  selector:
    matchLabels:
      {{- include "app.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "app.selector" . | nindent 8 }}
        {{- with $pod.labels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        # Pods are replaced when their settings change.
        checksum/config: {{ include "app.config" .root | fromYaml | toJson | sha256sum }}
        {{- if and .secrets (not .root.Values.secrets.existing) }}
        checksum/secrets: {{ .root.Values.secrets.values | toJson | sha256sum }}
        {{- end }}
        {{- with $pod.annotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      {{- include "app.podSpec" .root | nindent 6 }}
      # Longer than the pod goes on serving and answering what is in flight.
      terminationGracePeriodSeconds: {{ add .root.Values.config.drainSeconds .root.Values.config.shutdownSeconds 5 }}
      securityContext:
        runAsNonRoot: true
        runAsUser: {{ int64 $pod.securityContext.runAsUser }}
        runAsGroup: {{ int64 $pod.securityContext.runAsGroup }}
        fsGroup: {{ int64 $pod.securityContext.fsGroup }}
        seccompProfile:
          type: RuntimeDefault
      {{- include "app.affinity" $pod.affinity | nindent 6 }}
      {{- with $pod.topologySpread }}
      topologySpreadConstraints:
        {{- range . }}
        - maxSkew: {{ int (default 1 .maxSkew) }}
          topologyKey: {{ .topologyKey }}
          whenUnsatisfiable: {{ default "ScheduleAnyway" .whenUnsatisfiable }}
          labelSelector:
            matchLabels:
              {{- include "app.selector" $ | nindent 14 }}
        {{- end }}
      {{- end }}
      {{- with .initContainers }}
      initContainers:
        {{- . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ .component }}
          {{- with .args }}
          args: {{ toJson . }}
          {{- end }}
          {{- include "app.container" . | nindent 10 }}
          ports:
            {{- with .port }}
            - name: http
              containerPort: {{ . }}
              protocol: TCP
            {{- end }}
            - name: metrics
              containerPort: {{ .metricsPort }}
              protocol: TCP
          {{- include "app.probes" (dict "port" (default "http" .probed) "times" .values.probes) | nindent 10 }}
      volumes:
        - name: tmp
          emptyDir: {}
        {{- if .secrets }}
        - name: secrets
          secret:
            secretName: {{ .root.Values.secrets.existing | default (printf "%s-secrets" .root.Release.Name) }}
            defaultMode: 0440
            optional: false
        {{- end }}
        {{- range $pod.extraVolumes }}
        - name: {{ .name }}
          {{- if .configMap }}
          configMap:
            name: {{ .configMap }}
            defaultMode: 0444
            optional: false
          {{- else if .secret }}
          secret:
            secretName: {{ .secret }}
            defaultMode: 0440
            optional: false
          {{- else }}
          emptyDir:
            sizeLimit: {{ .emptyDir }}
          {{- end }}
        {{- end }}
{{- end -}}

{{/* What the pods of every component share. (root) */}}
{{- define "app.podSpec" -}}
serviceAccountName: {{ include "app.account" . }}
automountServiceAccountToken: false
enableServiceLinks: false
shareProcessNamespace: false
restartPolicy: Always
dnsPolicy: ClusterFirst
{{- with .Values.images.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.pod.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.pod.tolerations }}
tolerations:
  {{- range . }}
  - operator: {{ default "Equal" .operator }}
    {{- with .key }}
    key: {{ . | quote }}
    {{- end }}
    {{- with .value }}
    value: {{ . | quote }}
    {{- end }}
    {{- with .effect }}
    effect: {{ . }}
    {{- end }}
    {{- with .tolerationSeconds }}
    tolerationSeconds: {{ int64 . }}
    {{- end }}
  {{- end }}
{{- end }}
{{- with .Values.pod.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* What the containers of a component share, the one that migrates too. (as app.deployment) */}}
{{- define "app.container" -}}
{{- $pod := .root.Values.pod -}}
image: {{ include "app.image" (default .values.image .image) }}
imagePullPolicy: {{ .root.Values.images.pullPolicy }}
terminationMessagePath: /dev/termination-log
securityContext:
  runAsNonRoot: true
  allowPrivilegeEscalation: false
  privileged: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
    {{- with $pod.containerSecurityContext.capabilities }}
    add:
      {{- toYaml . | nindent 6 }}
    {{- end }}
resources:
  {{- toYaml .values.resources | nindent 2 }}
envFrom:
  - configMapRef:
      name: {{ .root.Release.Name }}-config
      optional: false
{{- if or .env .values.env }}
env:
  {{- with .env }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- range $name, $value := .values.env }}
  - name: {{ $name }}
    value: {{ $value | quote }}
  {{- end }}
{{- end }}
volumeMounts:
  - name: tmp
    mountPath: /tmp
    mountPropagation: None
    readOnly: false
  {{- if .secrets }}
  - name: secrets
    mountPath: /run/secrets
    mountPropagation: None
    readOnly: true
  {{- end }}
  {{- range $pod.extraVolumeMounts }}
  - name: {{ .name }}
    mountPath: {{ .mountPath }}
    {{- with .subPath }}
    subPath: {{ . }}
    {{- end }}
    mountPropagation: None
    readOnly: {{ ne .readOnly false }}
  {{- end }}
{{- end -}}

{{/* The three probes. (port; times: a component's `probes`) */}}
{{- define "app.probes" -}}
startupProbe:
  httpGet:
    path: /livez
    port: {{ .port }}
    scheme: HTTP
  {{- include "app.timing" .times.startup | nindent 2 }}
readinessProbe:
  httpGet:
    path: /readyz
    port: {{ .port }}
    scheme: HTTP
  {{- include "app.timing" .times.readiness | nindent 2 }}
livenessProbe:
  httpGet:
    path: /livez
    port: {{ .port }}
    scheme: HTTP
  {{- include "app.timing" .times.liveness | nindent 2 }}
{{- end -}}

{{/* How often, how long, how many. (one probe's values) */}}
{{- define "app.timing" -}}
periodSeconds: {{ int .periodSeconds }}
timeoutSeconds: {{ int .timeoutSeconds }}
failureThreshold: {{ int .failureThreshold }}
successThreshold: 1
{{- end -}}
