/** Which handler of a loaded module answers a trigger, and what to say when none does. */
import { suggest } from '../function/suggest.ts';
import type { TriggerEntry } from './types.ts';

/** Handler names of a trigger in the order they are tried: its name with `-` as `_`, then `default`. */
export function triggerHandlers(trigger: string): readonly string[] {
  const own = trigger.replaceAll('-', '_');
  return own === 'default' ? ['default'] : [own, 'default'];
}

/** Handler names of an active call: `call`, then `default`. */
export const activeCallHandlers: readonly string[] = ['call', 'default'];

/** The first of `wanted` that the module has. */
export function findHandler(wanted: readonly string[], handlers: ReadonlySet<string>): string | undefined {
  return wanted.find((name) => handlers.has(name));
}

export interface MissingHandler {
  readonly trigger: string;
  readonly message: string;
  /** The nearest handler the module does have. */
  readonly suggestion?: string;
}

/** Handlers a revision needs and its module lacks: each is a `NoHandler`. A `custom` receiver's verifier is one too. */
export function missingHandlers(
  triggers: readonly TriggerEntry[],
  handlers: ReadonlySet<string>,
): readonly MissingHandler[] {
  const has = [...handlers].sort();
  const known = has.length === 0 ? 'the module returns no handlers' : `the module has ${has.join(', ')}`;
  return triggers.flatMap((trigger) => {
    const missing: MissingHandler[] = [];
    const add = (wanted: string, message: string): void => {
      const nearest = suggest(wanted, has);
      missing.push({ trigger: trigger.name, message, ...(nearest === undefined ? {} : { suggestion: nearest }) });
    };
    const [own = 'default'] = trigger.handlers;
    if (findHandler(trigger.handlers, handlers) === undefined) {
      const wanted = own === 'default' ? '"default"' : `"${own}" or "default"`;
      add(own, `trigger "${trigger.name}" has no handler: return a function named ${wanted}; ${known}`);
    }
    const verifier = verifierOf(trigger);
    if (verifier !== undefined && !handlers.has(verifier)) {
      add(verifier, `trigger "${trigger.name}" verifies with the handler "${verifier}", which is missing; ${known}`);
    }
    return missing;
  });
}

/** The handler that verifies senders of a trigger; undefined: none does. */
export function verifierOf(trigger: TriggerEntry): string | undefined {
  if (trigger.kind !== 'http' || trigger.receiver.name !== 'custom') return undefined;
  const { handler } = trigger.receiver.fields;
  return typeof handler === 'string' ? handler : undefined;
}
