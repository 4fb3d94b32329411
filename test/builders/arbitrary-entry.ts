/** Random entries and tables for property tests, hostile names and texts included. */
import * as fc from 'fast-check';
import type { FunctionEntry, ResolvedLimits, RouteTable, TriggerEntry } from '../../src/routing/types.ts';
import { entryLimits, functionEntry, httpTriggerEntry, routeTable, scheduleTriggerEntry } from './function-entry.ts';

const name = fc.oneof(
  fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/),
  fc.constantFrom('__proto__', 'constructor', 'toString'),
);
const anyText = fc.string({ unit: 'binary', maxLength: 20 });
const base64 = fc.uint8Array({ maxLength: 24 }).map((bytes) => Buffer.from(bytes).toString('base64'));
const record = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<Readonly<Record<string, T>>> =>
  fc.array(fc.tuple(name, value), { maxLength: 4 }).map((pairs) => Object.fromEntries(pairs));

/** Each member is there or not, never there as undefined. */
const some = <T extends object>(model: { [Key in keyof T]: fc.Arbitrary<T[Key]> }): fc.Arbitrary<Partial<T>> =>
  fc.record(model, { requiredKeys: [], noNullPrototype: true }) as fc.Arbitrary<Partial<T>>;

const anyLimits: fc.Arbitrary<ResolvedLimits> = fc.oneof(
  fc.constant(entryLimits),
  some({ timeoutMs: fc.nat(), cpuMs: fc.nat(), hostCalls: fc.nat() }).map((changed) => ({
    ...entryLimits,
    ...changed,
  })),
);
const unresolved = fc.record({ reason: name, message: anyText }, { noNullPrototype: true });
const schedule = fc.array(fc.nat(), { maxLength: 3 });
const callback = fc.record(
  { urls: fc.array(anyText, { maxLength: 2 }), secrets: fc.array(base64, { maxLength: 2 }) },
  { noNullPrototype: true },
);

const httpTrigger = some({
  name,
  limits: anyLimits,
  retryScheduleMs: schedule,
  filter: anyText,
  unresolved,
  handlers: fc.array(name, { maxLength: 2 }),
  routes: fc.array(
    fc.record(
      {
        path: anyText,
        methods: fc.array(name, { maxLength: 2 }),
        host: name,
        publicUrl: anyText,
        ownsHost: fc.boolean(),
      },
      { requiredKeys: ['path', 'methods'], noNullPrototype: true },
    ),
    { maxLength: 3 },
  ),
  receiver: fc.record(
    {
      name,
      fields: record(fc.jsonValue().map((value): unknown => JSON.parse(JSON.stringify(value)))),
      secrets: fc.array(base64, { maxLength: 2 }),
      namedSecrets: record(base64),
      events: fc.array(name, { maxLength: 2 }),
    },
    { requiredKeys: ['name', 'fields', 'secrets'], noNullPrototype: true },
  ),
  mode: fc.constantFrom('sync' as const, 'async' as const),
  ackAfterMs: fc.nat(),
  rate: fc.record({ requests: fc.nat(), perMs: fc.nat() }, { noNullPrototype: true }),
  callback,
}).map((parts): TriggerEntry => httpTriggerEntry(parts));

const scheduleTrigger = some({ name, limits: anyLimits, retryScheduleMs: schedule, cron: anyText }).map(
  (parts): TriggerEntry => scheduleTriggerEntry(parts),
);

/** Any entry. */
export const anyEntry: fc.Arbitrary<FunctionEntry> = some({
  namespace: name,
  name,
  revision: fc.constantFrom('a', 'b', 'c'),
  generation: fc.nat({ max: 3 }),
  group: name,
  code: fc.record({ codeRevision: name, code: anyText, modules: record(anyText) }, { noNullPrototype: true }),
  env: record(anyText),
  secretEnv: fc.array(name, { maxLength: 2 }),
  limits: anyLimits,
  egress: some({ allow: fc.array(anyText, { maxLength: 2 }) }),
  retryScheduleMs: schedule,
  suspended: fc.boolean(),
  serviceAccountName: name,
  callback,
  triggers: fc.array(fc.oneof(httpTrigger, scheduleTrigger), { maxLength: 3 }),
  unresolved,
}).map((parts) => functionEntry(parts));

/** A small table, so that two of them often share functions. */
export const anyTable: fc.Arbitrary<RouteTable> = fc
  .tuple(fc.array(fc.tuple(fc.constantFrom('u1', 'u2', 'u3', 'u4'), anyEntry), { maxLength: 5 }), fc.nat({ max: 100 }))
  .map(([entries, version]) =>
    routeTable(
      entries.map(([uid, entry]) => ({ ...entry, uid })),
      version,
    ),
  );
