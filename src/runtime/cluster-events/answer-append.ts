/** Answers the leader's questions about kubernetes triggers in a worker thread, which has the expressions and the store. */
import {
  expressionsHash,
  type AppendAnswer,
  type AppendQuestion,
  type KnownObject,
} from '../../link/append-messages.ts';
import type { KubernetesTriggerEntry } from '../../routing/types.ts';
import { StoreDiskLow } from '../../store/store-disk-low.ts';
import { StoreOverQuota } from '../../store/store-over-quota.ts';
import type { LiveFunction, LiveTrigger } from '../live-function.ts';
import type { WorkerParts } from '../worker-parts.ts';
import { forgetTrigger, listRows, readPosition, readRow, writeHeld, type Position } from './object-rows.ts';
import { putObjects } from './put-objects.ts';

type Question<Op extends AppendQuestion['op']> = AppendQuestion & { readonly op: Op };

const pageSize = 500;
const mostTries = 5;

export async function answerAppend(question: AppendQuestion, parts: WorkerParts): Promise<AppendAnswer> {
  try {
    return await answer(question, parts);
  } catch (error) {
    if (error instanceof StoreOverQuota || error instanceof StoreDiskLow) {
      return { kind: 'full', message: error.message };
    }
    throw error;
  }
}

async function answer(question: AppendQuestion, parts: WorkerParts): Promise<AppendAnswer> {
  if (question.op === 'forget') {
    await forgetTrigger(parts.store, question.namespaceUid, question);
    return { kind: 'done', events: 0 };
  }
  const fn = parts.table.get(question.function);
  const live = fn?.trigger(question.trigger);
  if (fn === undefined || live === undefined || !isKubernetes(live)) {
    return notServed('this runtime does not have the trigger');
  }
  switch (question.op) {
    case 'open':
      return await open(question, fn, parts);
    case 'rows':
      return await rows(question, fn, parts);
    case 'commit':
      return await commit(question, fn, parts);
    case 'check': {
      const { value } = await readPosition(parts.store, fn.entry.namespaceUid, question);
      return value?.term === question.term ? { kind: 'done', events: 0 } : { kind: 'fenced' };
    }
    case 'put':
      if (expressionsHash(expressionsOf(live.entry)) !== question.expressions) {
        return notServed('this runtime has other expressions of the trigger');
      }
      if (fn.program === undefined || live.unavailable !== undefined) {
        return notServed(live.unavailable?.message ?? 'the code of the function is not loaded');
      }
      return await putObjects(question, fn, live, parts);
    default:
      return notServed('a question of a newer controller');
  }
}

async function open(question: Question<'open'>, fn: LiveFunction, parts: WorkerParts): Promise<AppendAnswer> {
  const { epoch, force, selection } = question;
  for (let attempt = 1; attempt <= mostTries; attempt += 1) {
    const held = await readPosition(parts.store, fn.entry.namespaceUid, question);
    const known = held.value;
    if (known !== undefined && known.epoch > epoch && !force) return { kind: 'outranked', epoch: known.epoch };
    const resumed = known?.ready === true && known.selection === selection;
    const next: Position = {
      term: (known?.term ?? 0) + 1,
      epoch,
      selection,
      baseline: resumed ? known.baseline : (known?.baseline ?? 0) + 1,
      ready: resumed,
    };
    const writes = [writeHeld(held, next)];
    const written = await parts.store.appendIf({ append: [], writes, expectations: [held.expectation] });
    if (written === 'conflict') continue;
    if (known === undefined) return { kind: 'opened', term: next.term, state: 'fresh' };
    return { kind: 'opened', term: next.term, state: resumed ? 'resumed' : 'edited' };
  }
  return notServed('the position of the trigger kept changing');
}

async function rows(question: Question<'rows'>, fn: LiveFunction, parts: WorkerParts): Promise<AppendAnswer> {
  const { namespaceUid } = fn.entry;
  const position = await readPosition(parts.store, namespaceUid, question);
  if (position.value?.term !== question.term) return { kind: 'fenced' };
  const uids = await listRows(parts.store, namespaceUid, question, pageSize, question.after);
  const found = await Promise.all(uids.map((uid) => readRow(parts.store, namespaceUid, question, uid)));
  const known: KnownObject[] = found.flatMap(({ value }, index) => {
    const uid = uids[index];
    if (value === undefined || uid === undefined) return [];
    const { version, namespace, name, expressions } = value;
    return [{ uid, version, name, expressions, ...(namespace === undefined ? {} : { namespace }) }];
  });
  const next = uids.length === pageSize ? uids.at(-1) : undefined;
  return { kind: 'rows', rows: known, ...(next === undefined ? {} : { next }) };
}

async function commit(question: Question<'commit'>, fn: LiveFunction, parts: WorkerParts): Promise<AppendAnswer> {
  const held = await readPosition(parts.store, fn.entry.namespaceUid, question);
  if (held.value?.term !== question.term) return { kind: 'fenced' };
  const writes = [writeHeld(held, { ...held.value, ready: true })];
  const written = await parts.store.appendIf({ append: [], writes, expectations: [held.expectation] });
  return written === 'ok' ? { kind: 'done', events: 0 } : { kind: 'fenced' };
}

function isKubernetes(live: LiveTrigger): live is LiveTrigger & { readonly entry: KubernetesTriggerEntry } {
  return live.entry.kind === 'kubernetes';
}

function expressionsOf({ filter, changed }: KubernetesTriggerEntry): { filter?: string; changed?: string } {
  return { ...(filter === undefined ? {} : { filter }), ...(changed === undefined ? {} : { changed }) };
}

function notServed(message: string): AppendAnswer {
  return { kind: 'notServed', message };
}
