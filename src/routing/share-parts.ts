/**
 * Entries that come from another thread are copies down to the last word. What thousands of them have in common, texts and
 * parts without secrets, is made one object again: a third of what an idle function costs.
 */
import type { FunctionEntry, HttpTriggerEntry, TriggerEntry } from './types.ts';

/** Answers an equal entry made of shared parts. */
export type ShareParts = (entry: FunctionEntry) => FunctionEntry;

/** Beyond so many different texts or parts all are forgotten: sharing is a saving, and strangers write them. */
const remembered = 4096;
const longestText = 64;
const longestPart = 512;

const nothing: Readonly<Record<string, never>> = {};
const none: readonly never[] = [];

/** One for a thread. */
export function createPartSharer(): ShareParts {
  const texts = new Map<string, string>();
  const parts = new Map<string, object>();
  /** Copies of one message share already. */
  let done = new WeakMap<object, object>();

  function text(value: string): string {
    if (value.length > longestText) return value;
    const known = texts.get(value);
    if (known !== undefined) return known;
    if (texts.size >= remembered) texts.clear();
    texts.set(value, value);
    return value;
  }

  function part<Part extends object>(value: Part): Part {
    const before = done.get(value);
    if (before !== undefined) return before as Part;
    const json = JSON.stringify(value);
    let shared: object = value;
    if (json === '{}') shared = nothing;
    else if (json === '[]') shared = none;
    else if (json.length <= longestPart) {
      const known = parts.get(json);
      if (known === undefined) {
        if (parts.size >= remembered) {
          parts.clear();
          done = new WeakMap();
        }
        parts.set(json, value);
      } else shared = known;
    }
    done.set(value, shared);
    return shared as Part;
  }

  function receiverOf({ receiver }: HttpTriggerEntry): HttpTriggerEntry['receiver'] {
    const { name, fields, secrets, namedSecrets } = receiver;
    if (secrets.length === 0 && namedSecrets === undefined) return part(receiver);
    return { ...receiver, name: text(name), fields: part(fields) };
  }

  function triggerOf(trigger: TriggerEntry): TriggerEntry {
    const common = {
      name: text(trigger.name),
      handlers: part(trigger.handlers),
      limits: part(trigger.limits),
      retryScheduleMs: part(trigger.retryScheduleMs),
    };
    if (trigger.kind !== 'http') return { ...trigger, ...common };
    const routes = trigger.routes.map((route) => ({ ...route, methods: part(route.methods) }));
    return {
      ...trigger,
      ...common,
      kind: 'http',
      mode: trigger.mode === 'sync' ? 'sync' : 'async',
      publicUrl: text(trigger.publicUrl),
      routes,
      receiver: receiverOf(trigger),
    };
  }

  return (entry) => ({
    ...entry,
    namespace: text(entry.namespace),
    namespaceUid: text(entry.namespaceUid),
    group: text(entry.group),
    // Values of `env` may be secret: only that there are none is shared.
    env: Object.keys(entry.env).length === 0 ? nothing : entry.env,
    secretEnv: part(entry.secretEnv),
    limits: part(entry.limits),
    egress: part(entry.egress),
    retryScheduleMs: part(entry.retryScheduleMs),
    code: { ...entry.code, modules: Object.keys(entry.code.modules).length === 0 ? nothing : entry.code.modules },
    triggers: entry.triggers.map(triggerOf),
  });
}
