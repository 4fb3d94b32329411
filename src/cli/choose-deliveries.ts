/** Which deliveries `replay` and `cancel` mean: ids, one function or subscription, or a whole namespace. */
import type { Answered, Refusal } from './dev-client.ts';
import { exitCodes } from './exit-codes.ts';
import { withHint } from './missing-subject.ts';
import type { RunClient, Selection } from './run-client.ts';
import { prefixOf, readId, readSubject } from './subject-name.ts';
import { readTarget } from './target-name.ts';

export interface ChosenDeliveries {
  readonly namespace: string;
  readonly selection: Selection;
  /** For people: `event c-1`, `team-a/deploy`, `all of namespace team-a`. */
  readonly label: string;
  readonly breadth: 'id' | 'subject' | 'namespace';
}

/**
 * A name needs its prefix: an id may look like one. `broad`: the options choose among many (`--dead`), so that no name at
 * all is the namespace. A text: what is wrong.
 */
export function readWhat(
  text: string | undefined,
  options: { readonly namespace?: string; readonly trigger?: string },
  broad: boolean,
): ChosenDeliveries | { readonly id: string } | string {
  const { namespace, trigger } = options;
  if (text === undefined) {
    if (!broad) return 'say what: an id, whf/NAME or whs/NAME';
    if (namespace === undefined) return 'say whose: whf/NAME or whs/NAME, or -n NAMESPACE for all of one';
    if (trigger !== undefined) return '--trigger needs its function';
    return { namespace, selection: {}, label: `all of namespace ${namespace}`, breadth: 'namespace' };
  }
  if (prefixOf(text) === undefined) {
    return trigger === undefined ? { id: readId(text) } : '--trigger goes with whf/NAME, not with an id';
  }
  const subject = readSubject(text, namespace);
  if (typeof subject === 'string') return subject;
  const { kind, name } = subject;
  if (kind === 'subscription') {
    if (trigger !== undefined) return 'a subscription has no triggers: leave --trigger out';
    const label = `whs/${subject.namespace}/${name}`;
    return { namespace: subject.namespace, selection: { subscription: name }, label, breadth: 'subject' };
  }
  return {
    namespace: subject.namespace,
    selection: { function: name, ...(trigger === undefined ? {} : { trigger }) },
    label: `${subject.namespace}/${name}${trigger === undefined ? '' : ` trigger ${trigger}`}`,
    breadth: 'subject',
  };
}

/** Why what was chosen cannot be, with what there is instead of a name that nobody has. */
export function whyNotChosen(
  client: RunClient,
  { namespace, selection }: ChosenDeliveries,
  refusal: Refusal,
): Promise<Refusal> {
  const { function: fn, subscription } = selection;
  if (fn !== undefined) return withHint(client, refusal, { kind: 'function', namespace, name: fn });
  if (subscription === undefined) return Promise.resolve(refusal);
  return withHint(client, refusal, { kind: 'subscription', namespace, name: subscription });
}

/** Asked before more run again, or are ended. */
export const manyDeliveries = 1000;

/** What `readWhat` read, with the namespace of an id looked up. */
export async function chooseDeliveries(
  client: RunClient,
  what: ChosenDeliveries | { readonly id: string },
  namespace: string | undefined,
): Promise<Answered<ChosenDeliveries>> {
  return 'id' in what ? locateId(client, what.id, namespace) : { ok: true, value: what };
}

/** The namespace of an id that was given without one. */
export async function locateId(
  client: RunClient,
  id: string,
  namespace: string | undefined,
): Promise<Answered<ChosenDeliveries>> {
  const found = await client.listDeliveries(namespace, { id });
  if (!found.ok) return found;
  const places = new Set(found.value.items.map(({ metadata }) => metadata.namespace));
  const [place] = places;
  if (place === undefined) {
    const where = namespace === undefined ? '' : ` in namespace ${namespace}`;
    const hint = typeof readTarget(id, namespace) === 'string' ? '' : `; a function is whf/${id}`;
    return { ok: false, exitCode: exitCodes.notFound, message: `no delivery of "${id}" is kept${where}${hint}` };
  }
  if (places.size > 1) {
    const message = `"${id}" is known in the namespaces ${[...places].join(', ')}: say which with -n`;
    return { ok: false, exitCode: exitCodes.unusable, message };
  }
  return { ok: true, value: { namespace: place, selection: { id }, label: id, breadth: 'id' } };
}
