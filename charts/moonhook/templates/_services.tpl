{{/* Not empty: the policy opens Services to the functions of their namespace. */}}
{{- define "moonhook.opensServices" -}}
{{- $egress := default dict .Values.policy.egress -}}
{{- if eq (dig "clusterServices" "None" $egress) "Own" -}}true{{- end -}}
{{- range $namespace, $own := dig "namespaces" (dict) $egress -}}
{{- if eq (dig "clusterServices" "None" $own) "Own" -}}true{{- end -}}
{{- end -}}
{{- end -}}
