/** The values of one scrape of a controller. */
import type { ControllerMetricName } from '../telemetry/controller-metrics.ts';
import type { Sample } from '../telemetry/metrics.ts';
import type { CallCounts } from './host-calls/count-calls.ts';
import type { Controller } from './start-controller.ts';

export function collectControllerMetrics(
  controller: Controller,
  counted: { readonly calls: CallCounts; readonly refusedRows: number; readonly policyRefused: boolean },
  sample: Sample<ControllerMetricName>,
): void {
  for (const { operation, outcome, count } of counted.calls.all()) {
    sample.set('kubernetes_calls_total', count, { operation, outcome });
  }
  sample.set('refused_rows_total', counted.refusedRows);
  sample.set('policy_refused', counted.policyRefused ? 1 : 0);
  const stats = controller.stats();
  const { leadership } = controller;
  sample.set('controller_leader', leadership.leading ? 1 : 0);
  sample.set('controller_epoch', leadership.epoch);
  sample.set('controller_functions', stats.functions);
  sample.set('controller_subscriptions', stats.subscriptions);
  sample.set('controller_resources_waiting', stats.waiting);
  sample.set('controller_table_builds_total', stats.builds);
  sample.set('controller_last_build_seconds', stats.lastBuildMs / 1000);
  for (const [group, count] of stats.linkedRuntimes) sample.set('linked_runtimes', count, { group });
  sample.set('references', stats.references);
  sample.set('reference_lag_seconds', stats.referenceLagMs / 1000);
  sample.set('status_writes_total', stats.statusWrites);
  sample.set('status_failures_total', stats.statusFailures);
  sample.set('status_waiting', stats.statusWaiting);
  sample.set('kubernetes_events_dropped_total', stats.eventsDropped);
  if (stats.triggers !== undefined) {
    const { triggers, ready, watches, objects, stored, restarts } = stats.triggers;
    sample.set('kubernetes_triggers', ready, { state: 'ready' });
    sample.set('kubernetes_triggers', triggers - ready, { state: 'waiting' });
    sample.set('kubernetes_trigger_watches', watches);
    sample.set('kubernetes_trigger_objects', objects);
    sample.set('kubernetes_trigger_events_total', stored);
    for (const [reason, count] of Object.entries(restarts)) {
      sample.set('kubernetes_trigger_restarts_total', count, { reason });
    }
  }
  for (const { resource, silentMs, restarts, drift } of stats.watches) {
    if (silentMs !== undefined) sample.set('watch_last_event_age_seconds', silentMs / 1000, { resource });
    sample.set('watch_drift_total', drift, { resource });
    for (const [reason, count] of Object.entries(restarts)) {
      sample.set('watch_restarts_total', count, { resource, reason });
    }
  }
  const { bounds, buckets, sum } = stats.applyToProgrammed;
  sample.histogram('apply_to_programmed_seconds', bounds, buckets, sum);
}
