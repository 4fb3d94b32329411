/**
 * Attributes that a publisher adds to an event, beside those every event has: the extension attributes and `dataschema` of
 * CloudEvents 1.0 (spec §3.1 names and types, §3.2 attributes every event may have). Bounded, and never those of the host.
 */

export type EventAttributeValue = string | number | boolean;
export type ExtraAttributes = Readonly<Record<string, EventAttributeValue>>;

export type ReadAttributes =
  | { readonly ok: true; readonly attributes: ExtraAttributes | undefined }
  | { readonly ok: false; readonly message: string };

/** What every event has; not among those added. */
const ownNames: ReadonlySet<string> = new Set([
  'specversion',
  'id',
  'source',
  'type',
  'subject',
  'time',
  'datacontenttype',
  'data',
  'data_base64',
]);
/** Receivers take these for the host's word. */
const hostNames: ReadonlySet<string> = new Set(['namespace', 'principal', 'verified', 'hops', 'budget']);
const namePattern = /^[a-z0-9]{1,20}$/;
const mostAttributes = 32;
const longestValue = 1024;
const mostBytes = 8 * 1024;
const mostInteger = 2 ** 31;

/** Those of them that every event has are left out; null is as if it were not there. */
export function readExtraAttributes(fields: Iterable<readonly [string, unknown]>): ReadAttributes {
  const found: [string, EventAttributeValue][] = [];
  let bytes = 0;
  for (const [name, value] of fields) {
    if (ownNames.has(name) || value === undefined || value === null) continue;
    const mistake = checkName(name) ?? checkValue(value);
    if (mistake !== undefined) return { ok: false, message: `attribute ${shown(name)}: ${mistake}` };
    const checked = value as EventAttributeValue;
    found.push([name, checked]);
    bytes += name.length + Buffer.byteLength(String(checked));
  }
  if (found.length > mostAttributes) {
    return {
      ok: false,
      message: `an event has at most ${mostAttributes} further attributes, this one has ${found.length}`,
    };
  }
  if (bytes > mostBytes) return { ok: false, message: `its further attributes have more than ${mostBytes} bytes` };
  return { ok: true, attributes: found.length === 0 ? undefined : Object.fromEntries(found) };
}

function checkName(name: string): string | undefined {
  if (!namePattern.test(name)) return 'a name is 1 to 20 lower-case letters and digits (CloudEvents 1.0 §3.1)';
  if (hostNames.has(name) || name.startsWith('moonhook')) return 'this name is set by Moonhook only';
  return undefined;
}

function checkValue(value: unknown): string | undefined {
  if (typeof value === 'boolean') return undefined;
  if (typeof value === 'number') {
    return Number.isInteger(value) && value >= -mostInteger && value < mostInteger
      ? undefined
      : 'a number is an integer of 32 bits';
  }
  if (typeof value !== 'string') return 'a value is text, an integer, true or false';
  if (value.length > longestValue) return `a text has at most ${longestValue} characters`;
  // https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#type-system
  if (/[\u0000-\u001f\u007f-\u009f]/.test(value) || !value.isWellFormed()) {
    return 'a text has no control characters and no halves of characters';
  }
  return undefined;
}

const shown = (name: string): string => JSON.stringify(name.length > 64 ? `${name.slice(0, 64)}…` : name);
