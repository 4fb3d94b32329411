/**
 * Documents with the verdict the API server gives on them by the CRD alone (schema, list types, CEL). The verdicts were
 * confirmed with the validation code of Kubernetes 1.35; tests hold our own check, and a real API server, to the same.
 */
interface Document {
  apiVersion: string;
  kind: string;
  metadata: Record<string, unknown>;
  spec: Record<string, unknown>;
}

export interface JudgedDocument {
  readonly name: string;
  readonly accepted: boolean;
  readonly document: unknown;
  /** The API server drops a null before it looks; in a file it is more often a slip, and refused. */
  readonly droppedByServer?: true;
  /** The document it replaces. */
  readonly before?: unknown;
}

function base(spec: Readonly<Record<string, unknown>> = {}): Document {
  return {
    apiVersion: 'moonhook.dev/v1alpha1',
    kind: 'WebhookFunction',
    metadata: { name: 'hello', namespace: 'a' },
    spec: {
      code: 'return 1',
      serviceAccountName: 'hooks',
      triggers: [trigger('hi', http({ path: 'hello' }))],
      ...spec,
    },
  };
}

function trigger(name: unknown, kind: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return { name, ...kind };
}

function http(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return { http: { receiver: { open: {} }, ...fields } };
}

const withHttp = (fields: Readonly<Record<string, unknown>>): Document =>
  base({ triggers: [trigger('a', http({ path: 'x', ...fields }))] });
const withTrigger = (kind: Readonly<Record<string, unknown>>): Document => base({ triggers: [trigger('a', kind)] });
const withPods = (fields: Readonly<Record<string, unknown>>): Document =>
  withTrigger({ kubernetes: { apiVersion: 'v1', kind: 'Pod', ...fields } });
const without = (field: string, spec: Readonly<Record<string, unknown>> = {}): Document => {
  const document = base(spec);
  delete document.spec[field];
  return document;
};
const named = (name: string): Document => ({ ...base(), metadata: { name, namespace: 'a' } });

const keyRef = { name: 'hooks', key: 'a.lua' };
const two = <T>(item: T): readonly T[] => [item, item];

const accepted: Readonly<Record<string, unknown>> = {
  'the base': base(),
  'a name of 63': named('a'.repeat(63)),
  'code from a ConfigMap': without('code', { codeFrom: { configMapKeyRef: keyRef } }),
  'code of the full length in two-byte characters': base({ code: 'é'.repeat(131_072) }),
  'github with a secret': withHttp({ receiver: { github: { secretRefs: [keyRef], events: ['push'] } } }),
  'routes instead of path': withTrigger({
    http: { routes: [{ path: 'a', methods: ['GET'] }], receiver: { open: {} } },
  }),
  'ackAfter of a synchronous trigger': withHttp({ mode: 'sync', ackAfter: '1s' }),
  'debounce of an asynchronous trigger': withHttp({ mode: 'async', debounce: { wait: '1s' } }),
  'dedup with ackAfter': withHttp({ mode: 'sync', ackAfter: '1s', dedup: {} }),
  'cors for all without credentials': withHttp({ cors: { origins: ['*'], credentials: false } }),
  'a wildcard host': withHttp({ host: '*.example.com' }),
  'a rate': withHttp({ rate: { requests: 1, per: '1m' } }),
  'a kubernetes trigger': withPods({
    namespaces: { from: 'Names', names: ['b'] },
    labelSelector: { matchExpressions: [{ key: 'a', operator: 'In', values: ['x'] }] },
  }),
  'a schedule with data': withTrigger({ schedule: { cron: '0 3 * * *', data: { depth: 7, x: [1, { a: null }] } } }),
  'all events': withTrigger({ event: { type: '*' } }),
  limits: base({ limits: { timeout: '10s', memory: '16Mi', requestBody: 1024, concurrency: 1 } }),
  'no retries': base({ retry: { schedule: [] } }),
  'a retry at once': base({ retry: { schedule: ['0s'] } }),
  'egress of four forms': base({ egress: { allow: ['a.b', '*.c.d', '10.0.0.0/8', '::1'] } }),
  'no egress': base({ egress: { allow: [] } }),
  'an empty value in env': base({ env: [{ name: 'A', value: '' }] }),
  'envFrom a Secret': base({ envFrom: [{ secretRef: { name: 'a' } }] }),
  'a module': base({ modules: [{ name: 'a.b', code: 'x' }] }),
  'a callback': base({ callback: { secretRefs: [keyRef], urls: ['a.b'] } }),
};

const refused: Readonly<Record<string, unknown>> = {
  'code and codeFrom': base({ codeFrom: { configMapKeyRef: keyRef } }),
  'no code': without('code'),
  'an empty codeFrom': without('code', { codeFrom: {} }),
  'code over the length': base({ code: 'x'.repeat(131_073) }),
  'empty code': base({ code: '' }),
  'a name with a dot': named('a.b'),
  'a name of 64': named('a'.repeat(64)),
  'no kind of trigger': withTrigger({}),
  'two kinds of trigger': withTrigger({ schedule: { cron: '@daily' }, event: { type: 'a' } }),
  'two triggers of one name': base({ triggers: two(trigger('a', { event: { type: 'a' } })) }),
  'a trigger without a name': base({ triggers: [{ event: { type: 'a' } }] }),
  'a trigger whose name is nothing': base({ triggers: [trigger(null, { event: { type: 'a' } })] }),
  'a trigger name with an underscore': base({ triggers: [trigger('a_b', { event: { type: 'a' } })] }),
  'no receiver': withTrigger({ http: { path: 'x' } }),
  'an empty receiver': withHttp({ receiver: {} }),
  'two receivers': withHttp({ receiver: { open: {}, bearer: { secretRefs: [keyRef] } } }),
  'github without a secret': withHttp({ receiver: { github: {} } }),
  'a secret of open': withHttp({ receiver: { open: { secretRefs: [] } } }),
  'path and routes': withHttp({ routes: [{ path: 'a' }] }),
  'neither path nor routes': withTrigger({ http: { receiver: { open: {} } } }),
  'methods beside routes': withTrigger({ http: { routes: [{ path: 'a' }], methods: ['GET'], receiver: { open: {} } } }),
  'host beside routes': withTrigger({ http: { routes: [{ path: 'a' }], host: 'a.b', receiver: { open: {} } } }),
  'ackAfter of an asynchronous trigger': withHttp({ mode: 'async', ackAfter: '1s' }),
  'debounce of a synchronous trigger': withHttp({ mode: 'sync', debounce: { wait: '1s' } }),
  'dedup of a synchronous trigger': withHttp({ mode: 'sync', dedup: {} }),
  'cors for all with credentials': withHttp({ cors: { origins: ['*'], credentials: true } }),
  'a host as origin': withHttp({ cors: { origins: ['example.com'] } }),
  'a method in lower case': withHttp({ methods: ['post'] }),
  'a method twice': withHttp({ methods: two('GET') }),
  'no methods': withHttp({ methods: [] }),
  'a path with a blank': withHttp({ path: 'a b' }),
  'a path with a query': withHttp({ path: 'a?b' }),
  'a host with a scheme': withHttp({ host: 'https://a' }),
  'a star inside a host': withHttp({ host: 'a.*.com' }),
  'a rate of nothing': withHttp({ rate: { requests: 0, per: '1m' } }),
  'a kubernetes trigger without identity': without('serviceAccountName', { triggers: withPods({}).spec.triggers }),
  'names of all namespaces': withPods({ namespaces: { from: 'All', names: ['b'] } }),
  'from: Selector without one': withPods({ namespaces: { from: 'Selector' } }),
  'In without values': withPods({ labelSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] } }),
  'Exists with values': withPods({
    labelSelector: { matchExpressions: [{ key: 'a', operator: 'Exists', values: ['x'] }] },
  }),
  'a plural as kind': withPods({ kind: 'pods' }),
  'a change twice': withPods({ events: two('Added') }),
  'a list as data of a schedule': withTrigger({ schedule: { cron: '@daily', data: [1] } }),
  'an empty part in a type': withTrigger({ event: { type: 'a..b' } }),
  'a star inside a type': withTrigger({ event: { type: 'a.*.b' } }),
  'CPU in words': base({ limits: { cpuTime: '500m CPU' } }),
  'a timeout of nothing': base({ limits: { timeout: '0s' } }),
  'a timeout without unit': base({ limits: { timeout: 10 } }),
  'half a byte': base({ limits: { memory: '500m' } }),
  'memory of nothing': base({ limits: { memory: 0 } }),
  'less than nothing': base({ limits: { memory: -1 } }),
  'a fraction of memory': base({ limits: { memory: 1.5 } }),
  'true as memory': base({ limits: { memory: true } }),
  'no concurrency': base({ limits: { concurrency: 0 } }),
  'a wait in words': base({ retry: { schedule: ['soon'] } }),
  'egress by URL': base({ egress: { allow: ['https://a'] } }),
  'egress without a list': base({ egress: {} }),
  'value and valueFrom': base({ env: [{ name: 'A', value: '1', valueFrom: { secretKeyRef: keyRef } }] }),
  'neither value nor valueFrom': base({ env: [{ name: 'A' }] }),
  'an empty valueFrom': base({ env: [{ name: 'A', valueFrom: {} }] }),
  'a number as value': base({ env: [{ name: 'A', value: 1 }] }),
  'a variable that begins with a digit': base({ env: [{ name: '1A', value: '' }] }),
  'a variable twice': base({ env: two({ name: 'A', value: '' }) }),
  'an empty envFrom': base({ envFrom: [{}] }),
  'envFrom of both kinds': base({ envFrom: [{ secretRef: { name: 'a' }, configMapRef: { name: 'b' } }] }),
  'a module without source': base({ modules: [{ name: 'a' }] }),
  'a module with two sources': base({ modules: [{ name: 'a', code: 'x', configMapKeyRef: keyRef }] }),
  'a slash in the name of a module': base({ modules: [{ name: 'a/b', code: 'x' }] }),
  'a module twice': base({ modules: two({ name: 'a', code: 'x' }) }),
  'a misspelt field': base({ trigers: [] }),
  'a text as suspend': base({ suspend: 'yes' }),
  'a callback without a secret': base({ callback: { secretRefs: [], urls: ['a.b'] } }),
  'no spec': { ...base(), spec: null },
};

const classed = (name?: string): unknown => base(name === undefined ? {} : { class: name });

/** All documents: what is accepted, what is refused, and edits of the class. */
export const functionDocuments: readonly JudgedDocument[] = [
  ...Object.entries(accepted).map(([name, document]) => ({ name, accepted: true, document })),
  ...Object.entries(refused).map(([name, document]) => ({ name, accepted: false, document })),
  { name: 'triggers without value', accepted: false, document: base({ triggers: null }), droppedByServer: true },
  { name: 'the same class', accepted: true, document: classed('a'), before: classed('a') },
  { name: 'still no class', accepted: true, document: classed(), before: classed() },
  { name: 'another class', accepted: false, document: classed('b'), before: classed('a') },
  { name: 'a class gone', accepted: false, document: classed(), before: classed('a') },
  { name: 'a class come', accepted: false, document: classed('a'), before: classed() },
];
