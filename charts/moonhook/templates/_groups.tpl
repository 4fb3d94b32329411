{{/*
All groups of runtimes as YAML, the default one first. Of a group: name, suffix of its objects' names, namespaces, public
and calls (Services), runtime and store (its values), and postgres (where its database is).
*/}}
{{- define "moonhook.groups" -}}
{{- $name := include "moonhook.fullname" . -}}
{{- $network := .Values.networkPolicy.postgres -}}
{{- $groups := list (dict "name" "default" "suffix" "" "namespaces" list "public" $name "calls" (printf "%s-calls" $name) "runtime" .Values.runtime "store" .Values.store "postgres" $network) -}}
{{- range .Values.runtimeGroups -}}
{{- $runtime := mergeOverwrite (deepCopy $.Values.runtime) (dict "replicas" 1 "autoscaling" (dict "enabled" false)) (deepCopy (default dict .runtime)) -}}
{{- $own := default dict .store -}}
{{- $store := dict "adopt" (default "" $own.adopt) "sqlite" (mergeOverwrite (deepCopy $.Values.store.sqlite) (deepCopy (default dict $own.sqlite))) "postgres" (mergeOverwrite (dict "enabled" false "urlFrom" (dict "secretName" "" "key" "url")) (deepCopy (default dict $own.postgres))) -}}
{{- $groups = append $groups (dict "name" .name "suffix" (printf "-%s" .name) "namespaces" .namespaces "public" (printf "%s-public-%s" $name .name) "calls" (printf "%s-calls-%s" $name .name) "runtime" $runtime "store" $store "postgres" (mergeOverwrite (deepCopy $network) (deepCopy (default dict .networkPolicyPostgres)))) -}}
{{- end -}}
{{- toYaml (dict "groups" $groups) -}}
{{- end -}}

{{/* Labels that only the runtimes of one group have: dict "name" group. Those of the default group stay as they were. */}}
{{- define "moonhook.groupComponent" -}}
{{- if eq .name "default" -}}
app.kubernetes.io/component: runtime
{{- else -}}
app.kubernetes.io/component: runtime-group
moonhook.dev/runtime-group: {{ .name }}
{{- end -}}
{{- end -}}

{{/* Spread of one group over nodes and zones: dict "root" . "group" group */}}
{{- define "moonhook.groupSpread" -}}
{{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- maxSkew: 1
  topologyKey: {{ $key }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "moonhook.selector" $.root | nindent 6 }}
      {{- include "moonhook.groupComponent" $.group | nindent 6 }}
{{- end }}
{{- end -}}

{{/*
Which Service the requests of a host are for, as YAML: dict "root" . "host" host. By the namespace in the path, and where a
host has absolute paths, the rest of it belongs to the one group that has them. The longest path wins.
*/}}
{{- define "moonhook.groupPaths" -}}
{{- $host := .host -}}
{{- $groups := (include "moonhook.groups" .root | fromYaml).groups -}}
{{- $default := (first $groups).public -}}
{{- $placed := dict -}}
{{- range $groups -}}
{{- $public := .public -}}
{{- range .namespaces -}}
{{- $_ := set $placed . $public -}}
{{- end -}}
{{- end -}}
{{- $exact := list -}}
{{- $below := list -}}
{{- range default list .root.Values.policy.hosts -}}
{{- if eq .host $host -}}
{{- $exact = append $exact . -}}
{{- else if and (hasPrefix "*." .host) (hasSuffix (trimPrefix "*" .host) $host) -}}
{{- $below = append $below . -}}
{{- end -}}
{{- end -}}
{{- $grants := $exact | default $below -}}
{{- $rest := "" -}}
{{- range $grants -}}
{{- if eq .mount "/" -}}
{{- range .namespaces -}}
{{- $rest = get $placed . | default $default -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $wanted := dict -}}
{{- if not $rest -}}
{{- $rest = $default -}}
{{- $wanted = $placed -}}
{{- else -}}
{{- range $grants -}}
{{- if ne .mount "/" -}}
{{- range .namespaces -}}
{{- if ne . "*" -}}
{{- $_ := set $wanted . (get $placed . | default $default) -}}
{{- else if eq $rest $default -}}
{{- $wanted = merge $wanted $placed -}}
{{- else -}}
{{- fail (printf "policy.hosts: %s has absolute paths of a runtime group, so its other paths lead there, too: all namespaces (\"*\") need another host" $host) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $paths := list (dict "path" "/" "service" $rest) -}}
{{- range $namespace, $public := $wanted -}}
{{- if ne $public $rest -}}
{{- $paths = append $paths (dict "path" (printf "/%s" $namespace) "service" $public) -}}
{{- end -}}
{{- end -}}
{{- toYaml (dict "paths" $paths) -}}
{{- end -}}

{{/* Mistakes with groups that a schema cannot tell. What is wrong with namespaces and hosts, the controller says, too. */}}
{{- define "moonhook.checkGroups" -}}
{{- $name := include "moonhook.fullname" . -}}
{{- $names := dict -}}
{{- $placed := dict -}}
{{- $databases := dict -}}
{{- range (include "moonhook.groups" . | fromYaml).groups -}}
{{- $group := .name -}}
{{- $where := eq $group "default" | ternary "" (printf "runtimeGroups %s: " $group) -}}
{{- if hasKey $names $group -}}
{{- fail (printf "runtimeGroups: %q stands twice, or is the group of all namespaces that no group names" $group) -}}
{{- end -}}
{{- $_ := set $names $group true -}}
{{- range .namespaces -}}
{{- if hasKey $placed . -}}
{{- fail (printf "runtimeGroups: namespace %s is in %s and in %s: a namespace has one group" . (get $placed .) $group) -}}
{{- end -}}
{{- $_ := set $placed . $group -}}
{{- end -}}
{{- if gt (len (printf "%s-runtime%s" $name .suffix)) 52 -}}
{{- fail (printf "%sthe name %s-runtime%s is longer than the 52 characters that pods of a StatefulSet may have: shorten the group or fullnameOverride" $where $name .suffix) -}}
{{- end -}}
{{- $many := or (gt (int .runtime.replicas) 1) .runtime.autoscaling.enabled -}}
{{- if and $many (not .store.postgres.enabled) -}}
{{- fail (printf "%sruntime.replicas above 1 and runtime.autoscaling need store.postgres.enabled=true: the embedded SQLite has one owner" $where) -}}
{{- end -}}
{{- if .store.postgres.enabled -}}
{{- $from := .store.postgres.urlFrom -}}
{{- if not $from.secretName -}}
{{- fail (printf "%sstore.postgres.enabled needs store.postgres.urlFrom.secretName: a Secret of this namespace whose key holds postgres://…" $where) -}}
{{- end -}}
{{- $database := printf "%s/%s" $from.secretName $from.key -}}
{{- if hasKey $databases $database -}}
{{- fail (printf "%sthe database of %s is that of the group %s, too: each group needs one of its own" $where $database (get $databases $database)) -}}
{{- end -}}
{{- $_ := set $databases $database $group -}}
{{- end -}}
{{- end -}}
{{- end -}}
