{{- define "moonhook.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "moonhook.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "moonhook.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "moonhook.selector" -}}
app.kubernetes.io/name: {{ include "moonhook.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "moonhook.labels" -}}
{{ include "moonhook.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "moonhook.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{/* Only tokens made for this very installation are taken on the link. */}}
{{- define "moonhook.linkAudience" -}}
{{ include "moonhook.fullname" . }}-link.{{ .Release.Namespace }}.moonhook.dev
{{- end -}}

{{- define "moonhook.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "moonhook.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{/* Spread of one component over nodes and zones: dict "root" . "component" name */}}
{{- define "moonhook.spread" -}}
{{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- maxSkew: 1
  topologyKey: {{ $key }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "moonhook.selector" $.root | nindent 6 }}
      app.kubernetes.io/component: {{ $.component }}
{{- end }}
{{- end -}}

{{/* Where pods may be placed, from the values of a component. */}}
{{- define "moonhook.placement" -}}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* What the chart sets itself is not set beside it: dict "where" path "values" component */}}
{{- define "moonhook.checkExtras" -}}
{{- $where := .where -}}
{{- range $label, $_ := .values.podLabels -}}
{{- if or (hasPrefix "app.kubernetes.io/" $label) (hasPrefix "helm.sh/" $label) (hasPrefix "moonhook.dev/" $label) -}}
{{- fail (printf "%s.podLabels: %s is set by the chart" $where $label) -}}
{{- end -}}
{{- end -}}
{{- range .values.extraEnv -}}
{{- if or (hasPrefix "MOONHOOK_" .name) (hasPrefix "POD_" .name) -}}
{{- fail (printf "%s.extraEnv: %s is set by the chart, from its own values" $where .name) -}}
{{- end -}}
{{- end -}}
{{- range .values.extraVolumes -}}
{{- if has .name (list "policy" "tmp" "link-token" "link-ca" "table" "data") -}}
{{- fail (printf "%s.extraVolumes: %s is a volume of the chart" $where .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Mistakes that a schema cannot tell. */}}
{{- define "moonhook.check" -}}
{{- include "moonhook.checkGroups" . -}}
{{- include "moonhook.checkExtras" (dict "where" "controller" "values" .Values.controller) -}}
{{- range (include "moonhook.groups" . | fromYaml).groups -}}
{{- include "moonhook.checkExtras" (dict "where" (eq .name "default" | ternary "runtime" (printf "runtimeGroups %s: runtime" .name)) "values" .runtime) -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) -}}
{{- fail "ingress.enabled needs ingress.hosts" -}}
{{- end -}}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) -}}
{{- fail "httpRoute.enabled needs httpRoute.parentRefs: the Gateway that takes the requests" -}}
{{- end -}}
{{- range .Values.tenants.namespaces -}}
{{- if or (eq . "kube-system") (eq . $.Release.Namespace) -}}
{{- fail (printf "tenants.namespaces: %s is never a tenant: its Secrets open the cluster or this installation" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
