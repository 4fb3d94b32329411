/** What `kubectl get` prints: the `Table` of meta/v1 for a list or an object, columns by resource. Pure. */
import type { ApiObject, Fields } from './handler.ts';

interface Column {
  readonly name: string;
  /** 0: always, 1: with `-o wide`. */
  readonly priority: 0 | 1;
  readonly description: string;
  cell(item: ApiObject, now: number): string | number;
}

const text = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '');
const column = (name: string, description: string, cell: Column['cell'], priority: 0 | 1 = 0): Column => ({
  name,
  description,
  cell,
  priority,
});
const field = (name: string, key: string, description: string, priority: 0 | 1 = 0): Column =>
  column(name, description, (item) => text(item[key]), priority);
const inner = (item: ApiObject, key: string): Fields => (item[key] ?? {}) as Fields;

const age = column('Age', 'since when it is there', ({ metadata }, now) =>
  metadata.creationTimestamp === undefined ? '<unknown>' : formatAge(now - Date.parse(metadata.creationTimestamp)),
);
const name = column('Name', 'its name', ({ metadata }) => metadata.name);
const to = column('To', 'function and trigger, or subscription, that it goes to', (item) => {
  const { kind, name: own, trigger, handler } = inner(item, 'to');
  if (kind === 'WebhookSubscription') return `whs/${text(own)}`;
  if (kind === 'Callback') return `${text(own)} callback`;
  return `${text(own)} ${text(trigger ?? handler)}`.trimEnd();
});
const type = column('Type', 'type of its event', (item) => text(inner(item, 'event')['type']));
const event = column('Event', 'id of its event', (item) => text(inner(item, 'event')['id']), 1);
const attempts = column('Attempts', 'how often it was tried', (item) => Number(item['attempts'] ?? 0));
const longestWhy = 80;
const why = column('Why', 'what went wrong last', (item) => {
  const said = [item['waitsFor'], item['reason'], item['error']].map(text).filter((part) => part !== '');
  const line = said.slice(0, 2).join(': ').replaceAll(/\s+/g, ' ');
  return line.length > longestWhy ? `${line.slice(0, longestWhy - 1)}…` : line;
});
const list = (value: unknown): string => (Array.isArray(value) ? value.map(text).join(',') : '');

const columnsOf: Readonly<Record<string, readonly Column[]>> = {
  calls: [
    name,
    column('Function', 'function or subscription that took it', (item) =>
      item['subscription'] === undefined ? text(item['functionName']) : `whs/${text(item['subscription'])}`,
    ),
    field('Trigger', 'trigger', 'trigger that took it'),
    field('Kind', 'kind_', 'how it came', 1),
    field('Outcome', 'outcome', 'how it ended'),
    column('Duration', 'how long it took', (item) => `${Math.round(Number(item['durationMs'] ?? 0) * 10) / 10}ms`),
    age,
    column('Why', 'what went wrong', (item) => {
      const line = text(inner(item, 'error')['message'] ?? item['detail']).replaceAll(/\s+/g, ' ');
      return line.length > longestWhy ? `${line.slice(0, longestWhy - 1)}…` : line;
    }),
  ],
  deadletters: [name, to, attempts, age, type, why, event],
  deliveries: [
    name,
    to,
    field('State', 'state', 'where it stands'),
    attempts,
    age,
    column('Next', 'when it is tried', (item, now) => {
      const due = item['due'];
      if (typeof due !== 'string') return '-';
      const inMs = Date.parse(due) - now;
      return inMs <= 0 ? 'now' : `in ${formatAge(inMs)}`;
    }),
    type,
    why,
    event,
  ],
  functions: [
    name,
    field('Ready', 'ready', 'whether it serves'),
    field('Reason', 'reason', 'of that'),
    field('Programmed', 'programmed', 'runtimes that serve it'),
    column('Triggers', 'names of its triggers', (item) =>
      list((item['triggers'] as Fields[] | undefined)?.map((each) => each['name'])),
    ),
    field('URL', 'url', 'of its first trigger', 1),
    age,
  ],
  routes: [
    name,
    field('Function', 'function', 'that it belongs to'),
    field('Trigger', 'trigger', 'that it belongs to'),
    field('Host', 'host', 'of its requests'),
    field('Path', 'path', 'of its requests'),
    column('Methods', 'that it takes', (item) => list(item['methods']) || '*'),
    field('Receiver', 'receiver', 'that proves its senders'),
  ],
  runtimes: [
    name,
    field('Group', 'group', 'of runtimes'),
    field('Linked', 'linked', 'whether it has a link to the controller'),
    field('Ready', 'ready', 'whether it has the whole table'),
    field('Functions', 'functions', 'that it serves'),
  ],
  subscriptions: [
    name,
    field('Ready', 'ready', 'whether it sends'),
    field('Reason', 'reason', 'of that'),
    column('Events', 'types that it wants', (item) => list(item['events'])),
    column('Receiver', 'how its receiver does', (item) => text(inner(item, 'health')['state'])),
    field('Breaker', 'breaker', 'whether its host is left alone'),
    field('URL', 'url', 'that it sends to', 1),
    age,
  ],
};

/** Whether a client asks for a table (its Accept header names it before plain JSON), and how. */
export function wantsTable(accept: string): boolean {
  return accept.split(',').some((each) => /;\s*as=Table\b/.test(each) && /;\s*v=v1\s*(;|$)/.test(each.trim()));
}

/** `include`: what stands beside each row, as `includeObject` says. */
export function tableOf(
  resource: string,
  items: readonly ApiObject[],
  metadata: Fields,
  options: { readonly now: number; readonly include: string },
): unknown {
  const columns = columnsOf[resource] ?? [name];
  const { now, include } = options;
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: columns.map(({ name: title, description, priority }) => ({
      name: title,
      type: title === 'Attempts' ? 'integer' : 'string',
      format: title === 'Name' ? 'name' : '',
      description,
      priority,
    })),
    rows: items.map((item) => ({
      cells: columns.map(({ cell }) => cell(item, now)),
      ...(include === 'None' ? {} : { object: include === 'Object' ? item : partial(item) }),
    })),
  };
}

function partial({ metadata }: ApiObject): unknown {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata };
}

/** `45s`, `12m`, `3h`, `4d`: as kubectl prints ages. */
function formatAge(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}h` : `${Math.floor(hours / 24)}d`;
}
