/** The text form of a table's entries on the way to a runtime: JSON that leaves out what every reader can fill in again. */
import { triggerHandlers } from './find-handler.ts';
import type { SubscriptionEntry } from './subscription-entry.ts';
import type { FunctionEntry, ResolvedLimits, TriggerEntry } from './types.ts';

/** Grows when a reader of the previous version could misunderstand an entry. */
export const wireVersion = 1;

/** The members that a trigger usually shares with its function, or that mostly hold nothing. */
type WireTrigger = Omit<TriggerEntry, 'limits' | 'retryScheduleMs' | 'handlers'> & {
  readonly limits?: Partial<ResolvedLimits>;
  readonly retryScheduleMs?: readonly number[];
  readonly handlers?: readonly string[];
};

type Optional = 'group' | 'env' | 'secretEnv' | 'egress' | 'suspended' | 'triggers';
type WireEntry = Omit<FunctionEntry, Optional> & {
  readonly v: number;
  readonly triggers?: readonly WireTrigger[];
} & Partial<Pick<FunctionEntry, Exclude<Optional, 'triggers'>>>;

/** One line of JSON; holds secret values, so it only travels where those may. */
export function encodeEntry(entry: FunctionEntry): string {
  const { group, env, secretEnv, egress, suspended, triggers, ...rest } = entry;
  const wire: WireEntry = {
    v: wireVersion,
    ...rest,
    ...(group === 'default' ? {} : { group }),
    ...(Object.keys(env).length === 0 ? {} : { env }),
    ...(secretEnv.length === 0 ? {} : { secretEnv }),
    ...(Object.keys(egress).length === 0 ? {} : { egress }),
    ...(suspended ? { suspended } : {}),
    ...(triggers.length === 0 ? {} : { triggers: triggers.map((trigger) => encodeTrigger(trigger, entry)) }),
  };
  return JSON.stringify(wire);
}

export type DecodedEntry =
  | { readonly ok: true; readonly entry: FunctionEntry }
  /** `UnsupportedRuntime`: the writer is newer than this reader. `Malformed`: not an entry. */
  | { readonly ok: false; readonly reason: 'UnsupportedRuntime' | 'Malformed'; readonly message: string };

/** Reads what `encodeEntry` wrote, parsed as part of a message. */
export function decodeEntry(value: unknown): DecodedEntry {
  const read = readWire<WireEntry>(value, requiredMembers);
  if (!read.ok) return read;
  const { wire } = read;
  const { v: _version, triggers, ...rest } = wire;
  const entry: FunctionEntry = {
    ...rest,
    group: wire.group ?? 'default',
    env: wire.env ?? {},
    secretEnv: wire.secretEnv ?? [],
    egress: wire.egress ?? {},
    suspended: wire.suspended ?? false,
    triggers: (triggers ?? []).map((trigger) => decodeTrigger(trigger, wire)),
  };
  return { ok: true, entry };
}

type ReadWire<Wire> =
  | { readonly ok: true; readonly wire: Wire & { readonly v: number } }
  | { readonly ok: false; readonly reason: 'UnsupportedRuntime' | 'Malformed'; readonly message: string };

function readWire<Wire>(value: unknown, required: readonly (keyof Wire & string)[]): ReadWire<Wire> {
  const wire = value as Wire & { readonly v: number };
  if (wire === null || typeof wire !== 'object' || typeof wire.v !== 'number') {
    return { ok: false, reason: 'Malformed', message: 'the entry names no format version' };
  }
  if (wire.v > wireVersion) {
    const message = `the entry has format ${wire.v}, this runtime reads up to ${wireVersion}: upgrade the runtime`;
    return { ok: false, reason: 'UnsupportedRuntime', message };
  }
  const missing = required.find((member) => wire[member] === undefined);
  if (missing !== undefined) return { ok: false, reason: 'Malformed', message: `the entry has no ${missing}` };
  return { ok: true, wire };
}

const requiredMembers = [
  'uid',
  'namespace',
  'namespaceUid',
  'name',
  'revision',
  'code',
  'limits',
  'retryScheduleMs',
] as const satisfies readonly (keyof WireEntry)[];

function encodeTrigger(trigger: TriggerEntry, entry: FunctionEntry): WireTrigger {
  const { limits, retryScheduleMs, handlers, ...rest } = trigger;
  const changed = changedLimits(limits, entry.limits);
  return {
    ...rest,
    ...(changed === undefined ? {} : { limits: changed }),
    ...(sameList(retryScheduleMs, entry.retryScheduleMs) ? {} : { retryScheduleMs }),
    ...(sameList(handlers, triggerHandlers(trigger.name)) ? {} : { handlers }),
  };
}

function decodeTrigger(wire: WireTrigger, entry: Pick<WireEntry, 'limits' | 'retryScheduleMs'>): TriggerEntry {
  return {
    ...wire,
    limits: wire.limits === undefined ? entry.limits : { ...entry.limits, ...wire.limits },
    retryScheduleMs: wire.retryScheduleMs ?? entry.retryScheduleMs,
    handlers: wire.handlers ?? triggerHandlers(wire.name),
  } as TriggerEntry;
}

function changedLimits(limits: ResolvedLimits, base: ResolvedLimits): Partial<ResolvedLimits> | undefined {
  if (limits === base) return undefined;
  const names = (Object.keys(limits) as (keyof ResolvedLimits)[]).filter((name) => limits[name] !== base[name]);
  return names.length === 0 ? undefined : Object.fromEntries(names.map((name) => [name, limits[name]]));
}

function sameList(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a === b || (a.length === b.length && a.every((item, index) => item === b[index]));
}

/** One line of JSON of a subscription; holds secret values, so it only travels where those may. */
export function encodeSubscription(subscription: SubscriptionEntry): string {
  return JSON.stringify({ v: wireVersion, ...subscription });
}

export type DecodedSubscription =
  | { readonly ok: true; readonly subscription: SubscriptionEntry }
  | { readonly ok: false; readonly reason: 'UnsupportedRuntime' | 'Malformed'; readonly message: string };

/** Reads what `encodeSubscription` wrote, parsed as part of a message. */
export function decodeSubscription(value: unknown): DecodedSubscription {
  const read = readWire<SubscriptionEntry>(value, subscriptionMembers);
  if (!read.ok) return read;
  const { v: _version, ...subscription } = read.wire;
  return { ok: true, subscription };
}

const subscriptionMembers = [
  'uid',
  'namespace',
  'namespaceUid',
  'name',
  'revision',
  'url',
  'events',
  'secrets',
  'format',
  'retryScheduleMs',
] as const satisfies readonly (keyof SubscriptionEntry)[];
