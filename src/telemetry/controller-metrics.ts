/** Every metric of a controller: name, type, labels, meaning. Part of `docs/reference/metrics.md`. */
import type { MetricEntry } from './metrics-catalogue.ts';

export const controllerMetricsCatalogue = [
  { name: 'controller_leader', type: 'gauge', labels: [], help: '1: this replica leads. The sum over all is 1.' },
  { name: 'controller_epoch', type: 'gauge', labels: [], help: 'The election that this replica won last; 0: none.' },
  {
    name: 'controller_functions',
    type: 'gauge',
    labels: [],
    help: 'Functions in the table that this replica builds.',
  },
  { name: 'controller_subscriptions', type: 'gauge', labels: [], help: 'Subscriptions in that table.' },
  {
    name: 'controller_resources_waiting',
    type: 'gauge',
    labels: [],
    help: 'Resources whose namespace or references were not read yet.',
  },
  { name: 'controller_table_builds_total', type: 'counter', labels: [], help: 'Builds of the table.' },
  { name: 'controller_last_build_seconds', type: 'gauge', labels: [], help: 'Duration of the last build.' },
  {
    name: 'policy_refused',
    type: 'gauge',
    labels: [],
    help: '1: the policy has mistakes, which the log names; the one before it is in force. Alarm on 1.',
  },
  {
    name: 'linked_runtimes',
    type: 'gauge',
    labels: ['group'],
    help: 'Runtimes of each runtime group that have a link to this replica. Alarm on 0: nothing of its namespaces is served anew.',
  },
  { name: 'references', type: 'gauge', labels: [], help: 'Secrets, ConfigMaps and ServiceAccounts referred to.' },
  {
    name: 'reference_lag_seconds',
    type: 'gauge',
    labels: [],
    help: 'How long a change of one of them can go unnoticed.',
  },
  {
    name: 'watch_restarts_total',
    type: 'counter',
    labels: ['resource', 'reason'],
    help: 'Watches opened anew: ended, stalled, expired, rewound, failed.',
  },
  {
    name: 'watch_last_event_age_seconds',
    type: 'gauge',
    labels: ['resource'],
    help: 'Since the API server last said anything on a watch; above 90 it is dead and about to be opened anew.',
  },
  {
    name: 'watch_drift_total',
    type: 'counter',
    labels: ['resource'],
    help: 'Objects whose copy differed from the API server at the same version. Alarm on any increase.',
  },
  {
    name: 'kubernetes_triggers',
    type: 'gauge',
    labels: ['state'],
    help: 'Kubernetes triggers that this replica follows: ready, or waiting (their status says why). Only the leader has any.',
  },
  {
    name: 'kubernetes_trigger_watches',
    type: 'gauge',
    labels: [],
    help: 'Watches for them: triggers that want the same as the same account share one.',
  },
  {
    name: 'kubernetes_trigger_objects',
    type: 'gauge',
    labels: [],
    help: 'Objects in the copies of those watches, which are in the memory of the controller.',
  },
  {
    name: 'kubernetes_trigger_restarts_total',
    type: 'counter',
    labels: ['reason'],
    help: 'Those watches opened anew: ended, stalled, expired, rewound, failed.',
  },
  {
    name: 'kubernetes_trigger_events_total',
    type: 'counter',
    labels: [],
    help: 'Cluster events that this replica gave to the stores of runtimes.',
  },
  {
    name: 'kubernetes_calls_total',
    type: 'counter',
    labels: ['operation', 'outcome'],
    help: 'Kubernetes calls of functions that this replica answered: ok, an HTTP status, refused (never sent), busy, away (no answer).',
  },
  {
    name: 'refused_rows_total',
    type: 'counter',
    labels: [],
    help: 'Calls and deliveries that a runtime told of without being asked about them: left out. Alarm on any increase: it is broken or taken over.',
  },
  { name: 'status_writes_total', type: 'counter', labels: [], help: 'Statuses written.' },
  { name: 'status_failures_total', type: 'counter', labels: [], help: 'Statuses that could not be written at once.' },
  { name: 'status_waiting', type: 'gauge', labels: [], help: 'Statuses that are about to be written.' },
  {
    name: 'kubernetes_events_dropped_total',
    type: 'counter',
    labels: [],
    help: 'Kubernetes Events not written: too many at once, or refused.',
  },
  {
    name: 'apply_to_programmed_seconds',
    type: 'histogram',
    labels: [],
    help: 'From the arrival of a change to the acknowledgement of the last ready runtime.',
  },
] as const satisfies readonly MetricEntry[];

export type ControllerMetricName = (typeof controllerMetricsCatalogue)[number]['name'];
