/** Every metric of a runtime: name, type, labels, meaning. The page `docs/reference/metrics.md` is compared with it. */

export interface MetricEntry {
  /** Without the prefix `moonhook_`. */
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
}

export const metricPrefix = 'moonhook_';

export const metricsCatalogue = [
  {
    name: 'function_invocations_total',
    type: 'counter',
    labels: ['namespace', 'function', 'trigger', 'outcome'],
    help: 'Requests and events that reached a trigger, by how they ended. Calls without a trigger have trigger "-".',
  },
  {
    name: 'function_duration_seconds',
    type: 'histogram',
    labels: ['namespace', 'function', 'trigger'],
    help: 'Wall time of the Lua run, waiting included.',
  },
  {
    name: 'function_cpu_seconds_total',
    type: 'counter',
    labels: ['namespace', 'function', 'trigger'],
    help: 'CPU time spent in Lua.',
  },
  {
    name: 'function_memory_peak_bytes',
    type: 'gauge',
    labels: ['namespace', 'function', 'trigger'],
    help: 'Highest memory of one call since the trigger was loaded.',
  },
  {
    name: 'function_inflight',
    type: 'gauge',
    labels: ['namespace', 'function'],
    help: 'Calls running or waiting for the host now.',
  },
  {
    name: 'receiver_rejections_total',
    type: 'counter',
    labels: ['receiver', 'reason'],
    help: 'Requests whose sender was not verified, by the stable reason of the receiver.',
  },
  {
    name: 'delivery_id_reuse_total',
    type: 'counter',
    labels: ['receiver'],
    help: 'Verified deliveries whose id, which the signature does not cover, came before with another body: taken as new events. Seen among the latest few thousand ids of a thread.',
  },
  {
    name: 'http_requests_refused_total',
    type: 'counter',
    labels: ['code'],
    help: 'Requests that ended with a failure before they reached a function, by failure code.',
  },
  {
    name: 'store_append_seconds',
    type: 'histogram',
    labels: [],
    help: 'From the arrival of an append at the store to the end of the sync that made it durable.',
  },
  {
    name: 'deliveries',
    type: 'gauge',
    labels: ['state'],
    help: 'Asynchronous deliveries by state.',
  },
  {
    name: 'delivery_attempts_total',
    type: 'counter',
    labels: ['result'],
    help: 'Attempts of asynchronous deliveries, by result: done, retry, dead, filtered, lost.',
  },
  {
    name: 'webhook_attempts_total',
    type: 'counter',
    labels: ['namespace', 'subscription', 'result'],
    help: 'Attempts to send webhooks, pings left out, by result: done, retry, dead, filtered. Beyond 5,000 series, of one namespace 4,000: other.',
  },
  {
    name: 'kubernetes_states_skipped_total',
    type: 'counter',
    labels: ['reason'],
    help: 'States of objects that started nothing: initial (there before the trigger), events (not named), unchanged, filter, notPassed (ended without having passed).',
  },
  {
    name: 'store_oldest_due_seconds',
    type: 'gauge',
    labels: [],
    help: 'How long the delivery that has been due longest waits for its turn; 0: none is due. What is held is not counted. Alarm on it.',
  },
  {
    name: 'store_oldest_held_seconds',
    type: 'gauge',
    labels: [],
    help: 'The same of what is held: its function or subscription is suspended, unresolved or not in the table, or its breaker is not closed.',
  },
  {
    name: 'breakers',
    type: 'gauge',
    labels: ['state'],
    help: 'Breakers of outgoing webhooks by state: open (the host is left alone) and halfOpen (one attempt is on its way).',
  },
  {
    name: 'dead_letters',
    type: 'gauge',
    labels: [],
    help: 'Deliveries that ended dead, are kept and can be replayed.',
  },
  {
    name: 'store_waiting_rows',
    type: 'gauge',
    labels: ['namespace'],
    help: 'Deliveries that have not ended, against the quota waitingRows.',
  },
  {
    name: 'store_waiting_bytes',
    type: 'gauge',
    labels: ['namespace'],
    help: 'Their events, counted once for each delivery, against the quota waitingBytes.',
  },
  {
    name: 'store_key_value_bytes',
    type: 'gauge',
    labels: ['namespace'],
    help: 'Key-value rows with their names, against the quota keyValueBytes.',
  },
  {
    name: 'store_ended_bytes',
    type: 'gauge',
    labels: ['namespace'],
    help: 'Ended deliveries that are kept, with their events.',
  },
  {
    name: 'store_disk_low',
    type: 'gauge',
    labels: [],
    help: '1 while nothing new is accepted because the disk is nearly full. Alarm on it.',
  },
  { name: 'store_free_bytes', type: 'gauge', labels: [], help: 'Free space where the embedded database lies.' },
  { name: 'store_database_bytes', type: 'gauge', labels: [], help: 'Size of the database.' },
  { name: 'store_log_bytes', type: 'gauge', labels: [], help: 'Size of the log beside the embedded database.' },
  { name: 'store_duplicate_keys', type: 'gauge', labels: [], help: 'Delivery ids that are remembered.' },
  {
    name: 'store_duplicate_window_seconds',
    type: 'gauge',
    labels: [],
    help: 'How long delivery ids are really remembered at the endpoint whose window the bound on ids cut short; absent while all windows hold.',
  },
  {
    name: 'events_conservation_gap',
    type: 'gauge',
    labels: [],
    help: 'Deliveries created less those accounted for. Anything but 0 is a defect.',
  },
  {
    name: 'apply_to_programmed_seconds',
    type: 'histogram',
    labels: [],
    help: 'From receiving a change of the route table to the last acknowledgement of all threads.',
  },
  { name: 'functions', type: 'gauge', labels: [], help: 'Functions in the route table.' },
  { name: 'subscriptions', type: 'gauge', labels: [], help: 'Subscriptions in the route table.' },
  { name: 'route_table_version', type: 'gauge', labels: [], help: 'Version of the route table that serves.' },
  {
    name: 'link_controllers',
    type: 'gauge',
    labels: [],
    help: 'Controllers that this runtime has a link to. 0 in a cluster: edits do not arrive, calls with tokens answer 503.',
  },
  {
    name: 'store_foreign',
    type: 'gauge',
    labels: [],
    help: '1: the store belongs to another installation, and nothing is served from it; the log says whose it is. Alarm on 1.',
  },
  { name: 'workers', type: 'gauge', labels: [], help: 'Worker threads that answer requests.' },
  {
    name: 'worker_replacements_total',
    type: 'counter',
    labels: ['reason'],
    help: 'Worker threads replaced because they were silent or had crashed. Alarm on any increase.',
  },
  { name: 'records', type: 'gauge', labels: [], help: 'Call records kept.' },
  {
    name: 'records_dropped_total',
    type: 'counter',
    labels: [],
    help: 'Call records given up because more arrived than may be kept on the way.',
  },
  { name: 'image_restores_total', type: 'counter', labels: [], help: 'Memory images copied back before a call.' },
  { name: 'function_image_bytes', type: 'gauge', labels: [], help: 'Bytes held by images of functions.' },
  { name: 'parked_calls', type: 'gauge', labels: [], help: 'Calls that wait for the host outside any machine.' },
  { name: 'parked_bytes', type: 'gauge', labels: [], help: 'Memory pages kept for parked calls.' },
  {
    name: 'kills_total',
    type: 'counter',
    labels: ['reason'],
    help: 'Calls ended by the engine: timeout, cpu, memory.',
  },
] as const satisfies readonly MetricEntry[];

export type MetricName = (typeof metricsCatalogue)[number]['name'];
