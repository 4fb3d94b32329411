/** What is in force of a resource, defaults and ceilings applied, in the words of its YAML. Takes what `dump-table` masked. Pure. */
import { isDeepStrictEqual } from 'node:util';
import { isObject } from '../../function/is-object.ts';
import { formatDuration } from '../../function/duration.ts';
import { formatQuantity } from '../../function/quantity.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Names that are no more than their unit cut off. */
const ownNames: Readonly<Record<string, string>> = { cpuMs: 'cpuTime', retryScheduleMs: 'retry' };
/** Bounds of the product, and what the table adds: no fields of a spec. */
const notInSpec: ReadonlySet<string> = new Set(['logLines', 'parallelHostCalls', 'handlers', 'publicUrl']);

/** Of a dumped function. */
export function effectiveFunction(dumped: Fields): Fields {
  const { suspended, limits, env, egress, retryScheduleMs, serviceAccountName, callback, triggers } = dumped;
  const own = inWords({ limits, retryScheduleMs });
  return withoutUndefined({
    suspend: suspended,
    limits: own['limits'],
    env,
    egress,
    retry: own['retry'],
    serviceAccountName,
    callback,
    triggers: (triggers as readonly Fields[]).map((trigger) => effectiveTrigger(trigger, own)),
  });
}

/** Of a dumped subscription. */
export function effectiveSubscription(dumped: Fields): Fields {
  const { url, events, channels, filter, transform, format, headers, suspended, retryScheduleMs } = dumped;
  const { timeoutMs, rate, concurrency, ordered } = dumped;
  const measured = inWords({ retryScheduleMs, timeoutMs, rate });
  return withoutUndefined({
    suspend: suspended,
    // Empty while it does not resolve, or may not be reached.
    url: url === '' ? undefined : url,
    events,
    channels,
    filter,
    transform,
    format,
    headers,
    ...measured,
    concurrency,
    ordered,
  });
}

/** Limits and retries only where they differ from the function's. */
function effectiveTrigger(trigger: Fields, own: Fields): Fields {
  const { name, kind, filter, limits, retryScheduleMs, unresolved, receiver, ...rest } = trigger;
  const words = inWords({ limits, retryScheduleMs });
  return withoutUndefined({
    name,
    filter,
    ...Object.fromEntries(Object.entries(words).filter(([field, value]) => !isDeepStrictEqual(value, own[field]))),
    unresolved,
    [String(kind)]: kind === 'kubernetes' ? rest['spec'] : kindFields(rest, receiver as Fields | undefined),
  });
}

function kindFields(fields: Fields, receiver: Fields | undefined): Fields {
  const { routes } = fields;
  const words = inWords(fields);
  if (receiver === undefined) return words;
  const { name, fields: given, events, secrets, namedSecrets } = receiver;
  const secretRefs = (secrets as readonly unknown[]).length === 0 ? undefined : secrets;
  const own = { ...(given as Fields), secretRefs, namedSecrets, events };
  return {
    ...words,
    routes: (routes as readonly Fields[]).map(({ path, host, methods }) =>
      withoutUndefined({ path, host, methods: (methods as readonly unknown[]).length === 0 ? undefined : methods }),
    ),
    receiver: { [String(name)]: withoutUndefined(own) },
  };
}

/** Milliseconds as `10s`, bytes as `16Mi`, under the names of the spec. */
function inWords(fields: Fields): Fields {
  const words: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || notInSpec.has(name)) continue;
    const unit = /(?:Ms|Bytes|Seconds)$/.exec(name)?.[0];
    const short = ownNames[name] ?? name.slice(0, name.length - (unit ?? '').length);
    if (name === 'retryScheduleMs') words[short] = { schedule: (value as readonly number[]).map(formatDuration) };
    else if (typeof value === 'number' && unit !== undefined) words[short] = formatUnit(value, unit);
    else words[name] = isObject(value) ? inWords(value) : value;
  }
  return words;
}

function formatUnit(value: number, unit: string): string {
  if (unit === 'Bytes') return formatQuantity(value);
  return formatDuration(unit === 'Ms' ? value : value * 1000);
}

function withoutUndefined(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
