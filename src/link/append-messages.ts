/** Cluster events on their way to a store: what the leader asks a runtime under the topic `append`, and the answers. */
import { createHash } from 'node:crypto';

/** One kubernetes trigger. */
export interface TriggerKey {
  /** Uid. */
  readonly function: string;
  readonly trigger: string;
}

/** What became of one object. Objects are the texts of their JSON. */
export type ObjectPut =
  /** `baseline`: it was there when the trigger started; `initial` decides. */
  | {
      readonly kind: 'set';
      readonly uid: string;
      readonly version: string;
      readonly object: string;
      readonly baseline?: true;
    }
  /** It does not exist any more; `object`: its last state, absent: nobody saw it. */
  | { readonly kind: 'gone'; readonly uid: string; readonly object?: string }
  /** It lives, and is not selected any more. */
  | { readonly kind: 'left'; readonly uid: string; readonly object: string }
  /** It was selected before the selection was edited: forgotten without an event. */
  | { readonly kind: 'drop'; readonly uid: string };

export type AppendQuestion =
  /**
   * Takes the trigger: whoever opened it before is refused from now on. `epoch`: of the leader; a lower one than that of the
   * last opener is refused, unless `force` says that the count of elections began anew. `selection`: hash of what is watched.
   */
  | (TriggerKey & {
      readonly op: 'open';
      readonly epoch: number;
      readonly force: boolean;
      readonly selection: string;
    })
  /** The objects that the store knows of, page by page. */
  | (TriggerKey & { readonly op: 'rows'; readonly term: number; readonly after: string })
  | (TriggerKey & {
      readonly op: 'put';
      readonly term: number;
      readonly expressions: string;
      readonly changes: readonly ObjectPut[];
    })
  /** Everything that was there at the start is stored. */
  | (TriggerKey & { readonly op: 'commit'; readonly term: number })
  /** Whether the store still has the place that was opened: it may be another store now. */
  | (TriggerKey & { readonly op: 'check'; readonly term: number })
  /** The trigger is gone: so is what the store knows for it. */
  | (TriggerKey & { readonly op: 'forget'; readonly namespaceUid: string; readonly group: string });

/** An object that the store knows of. */
export interface KnownObject {
  readonly uid: string;
  readonly version: string;
  /** Absent: it has none. */
  readonly namespace?: string;
  readonly name: string;
  /** Hash of the expressions it was judged by. */
  readonly expressions: string;
}

export type AppendAnswer =
  /** `fresh`: the store has nothing of this trigger. `edited`: it was never ready, or something else was watched. */
  | { readonly kind: 'opened'; readonly term: number; readonly state: 'fresh' | 'edited' | 'resumed' }
  | { readonly kind: 'rows'; readonly rows: readonly KnownObject[]; readonly next?: string }
  /** `events`: how many were stored for the function. */
  | { readonly kind: 'done'; readonly events: number }
  /** Somebody opened the trigger after the asker. */
  | { readonly kind: 'fenced' }
  /** Of a leader before the last one. */
  | { readonly kind: 'outranked'; readonly epoch: number }
  /** This runtime does not have the function, or not as the asker has it. */
  | { readonly kind: 'notServed'; readonly message: string }
  /** The namespace or the disk has no room: later. */
  | { readonly kind: 'full'; readonly message: string };

/** Hash of the expressions that decide about an object. */
export function expressionsHash({
  filter = '',
  changed = '',
}: {
  readonly filter?: string;
  readonly changed?: string;
}): string {
  return createHash('sha256')
    .update(JSON.stringify([filter, changed]))
    .digest('base64url')
    .slice(0, 16);
}

const operations: ReadonlySet<unknown> = new Set(['open', 'rows', 'put', 'commit', 'check', 'forget']);

/** The question of a message; undefined: it is none that this program knows. */
export function readAppendQuestion(body: unknown): AppendQuestion | undefined {
  const question = body as Partial<AppendQuestion> | null;
  if (typeof question !== 'object' || question === null) return undefined;
  if (typeof question.function !== 'string' || typeof question.trigger !== 'string') return undefined;
  return operations.has(question.op) ? (question as AppendQuestion) : undefined;
}

const answerKinds: ReadonlySet<unknown> = new Set([
  'opened',
  'rows',
  'done',
  'fenced',
  'outranked',
  'notServed',
  'full',
]);

/** It is shown in conditions. */
const longestMessage = 16 * 1024;

/** The answer of a message; undefined: it is none. A runtime may say anything. */
export function readAppendAnswer(body: unknown): AppendAnswer | undefined {
  const answer = body as Partial<Record<string, unknown>> | null;
  if (typeof answer !== 'object' || answer === null || !answerKinds.has(answer['kind'])) return undefined;
  const { events = 0, message = '' } = answer;
  if (!Number.isSafeInteger(events) || typeof message !== 'string' || message.length > longestMessage) return undefined;
  if (answer['kind'] === 'opened' && !Number.isSafeInteger(answer['term'])) return undefined;
  if (answer['kind'] === 'rows' && !(Array.isArray(answer['rows']) && answer['rows'].every(isKnownObject))) {
    return undefined;
  }
  return answer as unknown as AppendAnswer;
}

function isKnownObject(value: unknown): value is KnownObject {
  const { uid, version, name, namespace, expressions } = (value ?? {}) as Readonly<Record<string, unknown>>;
  const texts = [uid, version, expressions].every((each) => typeof each === 'string');
  return texts && isName(name) && (namespace === undefined || isName(namespace));
}

/** It becomes part of a path and of a selector: of a runtime that was taken over, too. */
function isName(value: unknown): boolean {
  return typeof value === 'string' && /^[^/%,=!\\\s]{1,253}$/.test(value) && value !== '.' && value !== '..';
}
