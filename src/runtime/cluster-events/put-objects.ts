/** Takes new states of objects: asks `changed` and `filter`, and writes events and rows in one transaction. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { formatDestination } from '../../delivery/destination.ts';
import { defaultEncodeOptions, encodeJson, EncodeProblem } from '../../host/json-encode.ts';
import type { AppendAnswer, AppendQuestion, ObjectPut } from '../../link/append-messages.ts';
import type { KubernetesTriggerEntry } from '../../routing/types.ts';
import type { AppendItem, KeyValueWrite } from '../../store/store.ts';
import { evaluate, isTrue } from '../evaluate.ts';
import { EventTable } from '../event-table.ts';
import type { LiveFunction, LiveTrigger } from '../live-function.ts';
import { StoredEventSource } from '../stored-event.ts';
import type { WorkerParts } from '../worker-parts.ts';
import { objectGlobals, storedClusterEvent, type ClusterEvent } from './cluster-event.ts';
import { nextStep, type ClusterEventName, type Step, type Wishes } from './judge-object.ts';
import { readPosition, readRow, writeHeld, type Held, type ObjectRow, type Position } from './object-rows.ts';
import { tellSilence, type SilentReason, type SilentState } from './silent-states.ts';

type Put = AppendQuestion & { readonly op: 'put' };

/** What is kept of a value of `changed`. */
const changedBytes = 16 * 1024;
/** Other work of the thread gets its turn after so long. */
const turnMs = 5;
const mostTries = 5;

export async function putObjects(
  question: Put,
  fn: LiveFunction,
  live: LiveTrigger & { readonly entry: KubernetesTriggerEntry },
  parts: WorkerParts,
): Promise<AppendAnswer> {
  const { namespaceUid } = fn.entry;
  for (let attempt = 1; attempt <= mostTries; attempt += 1) {
    const position = await readPosition(parts.store, namespaceUid, question);
    if (position.value?.term !== question.term) return { kind: 'fenced' };
    const rows = await Promise.all(
      question.changes.map(({ uid }) => readRow(parts.store, namespaceUid, question, uid)),
    );
    const work = createWork(question, fn, live, parts, position.value);
    let turnEnds = parts.clock.monotonic() + turnMs;
    for (const [index, change] of question.changes.entries()) {
      await work.take(change, rows[index] as Held<ObjectRow>);
      if (parts.clock.monotonic() < turnEnds) continue;
      await nextTurn();
      turnEnds = parts.clock.monotonic() + turnMs;
    }
    const { append, writes, silent } = work;
    if (writes.length === 0) return { kind: 'done', events: 0 };
    const expectations = [position.expectation, ...rows.map(({ expectation }) => expectation)];
    if ((await parts.store.appendIf({ append, writes, expectations })) === 'ok') {
      tellSilence(silent, fn, live.entry, parts);
      return { kind: 'done', events: append.length };
    }
    // Another runtime was given the same, or the trigger was opened anew: look again.
  }
  return { kind: 'notServed', message: 'the rows of the objects kept changing' };
}

interface PutWork {
  readonly append: readonly AppendItem[];
  readonly writes: readonly KeyValueWrite[];
  /** States that start nothing. */
  readonly silent: readonly SilentState[];
  take(change: ObjectPut, held: Held<ObjectRow>): Promise<void>;
}

interface Judgement {
  /** An expression failed: the event is stored, and its attempts end as those of any expression that fails. */
  readonly erred: boolean;
  readonly passed: boolean;
  readonly changed: string | undefined;
  /** `changed` has the value it had. */
  readonly same: boolean;
}

function createWork(
  { term, expressions }: Put,
  fn: LiveFunction,
  live: LiveTrigger & { readonly entry: KubernetesTriggerEntry },
  parts: WorkerParts,
  position: Position,
): PutWork {
  const { entry } = live;
  const { namespaceUid } = fn.entry;
  const destination = formatDestination({
    namespaceUid,
    functionName: fn.entry.name,
    target: { trigger: entry.name },
  });
  const wishes = wishesOf(live);
  const append: AppendItem[] = [];
  const writes: KeyValueWrite[] = [];
  const silent: SilentState[] = [];

  const eventOf = (name: ClusterEventName, change: ObjectPut, facts: Facts): ClusterEvent => ({
    functionUid: fn.entry.uid,
    namespaceUid,
    trigger: entry,
    name,
    uid: change.uid,
    incarnation: `${position.baseline}.${term}`,
    object: 'object' in change ? change.object : undefined,
    ...facts,
  });

  function store(event: ClusterEvent, judged: boolean): string {
    const stored = storedClusterEvent(event, judged);
    append.push({
      event: stored,
      deliveries: [
        {
          destination,
          orderKey: event.uid,
          supersede: true,
          ...(entry.debounce === undefined ? {} : { delayMs: quietDelay(event.uid) }),
        },
      ],
    });
    return stored.id;
  }

  /** Takes the place of an `added` that nobody has seen: that is what the object still is to the function. */
  async function isUnseen(eventId: string | undefined): Promise<boolean> {
    if (eventId === undefined) return false;
    const waiting = await parts.store.read({ namespaceUid, destination, eventId, states: ['waiting'] }, { limit: 1 });
    return waiting[0]?.attempts === 0;
  }

  function quietDelay(uid: string): number {
    const { waitMs = 0, maxWaitMs } = entry.debounce ?? {};
    const limited = { namespaceUid, scope: `debounce ${destination}`, key: uid };
    return parts.keys.quietDelay(limited, waitMs, maxWaitMs, parts.clock.wall());
  }

  async function judge(event: ClusterEvent, unless: string | undefined): Promise<Judgement> {
    const { expressions: asked } = live;
    if (asked.changed === undefined && asked.filter === undefined) {
      return { erred: false, passed: true, changed: undefined, same: false };
    }
    const source = new StoredEventSource(storedClusterEvent(event, false), entry.name, 1);
    const table = new EventTable(source);
    const globals = objectGlobals(source);
    let changed: string | undefined;
    if (asked.changed !== undefined) {
      const value = await evaluate(fn, parts, parts.newCallId(), asked.changed, table, globals);
      const text = value.ok ? textOf(value.value) : undefined;
      if (text === undefined) return { erred: true, passed: true, changed: event.previous, same: false };
      changed = text;
      if (text === unless) return { erred: false, passed: true, changed, same: true };
    }
    if (asked.filter === undefined) return { erred: false, passed: true, changed, same: false };
    const value = await evaluate(fn, parts, parts.newCallId(), asked.filter, table, globals);
    return value.ok
      ? { erred: false, passed: isTrue(value.value), changed, same: false }
      : { erred: true, passed: true, changed, same: false };
  }

  /** Rows as they are once what was taken before has landed: an object may come and go in one question. */
  const rows = new Map<string, ObjectRow | undefined>();
  function write(uid: string, held: Held<ObjectRow>, row: ObjectRow | undefined): void {
    rows.set(uid, row);
    writes.push(writeHeld(held, row));
  }

  return {
    append,
    writes,
    silent,
    async take(change, held) {
      const { uid } = change;
      const row = rows.has(uid) ? rows.get(uid) : held.value;
      const step = nextStep(change, row, { term, expressions }, wishes);
      if (step.kind === 'keep') return;
      if (step.kind === 'remove') {
        write(uid, held, undefined);
        if (row === undefined) return;
        const { version, namespace, name, changed, passed } = row;
        if (step.event === undefined) {
          if (change.kind === 'drop') return;
          const end = change.kind === 'gone' ? 'deleted' : 'left';
          silent.push({ reason: passed ? 'events' : 'notPassed', name: end, namespace, objectName: name });
          return;
        }
        store(eventOf(step.event, change, { version, namespace, objectName: name, previous: changed }), true);
        return;
      }
      if (change.kind !== 'set') return;
      // An object keeps its names; reading them out of the whole text costs more than all the rest.
      const { namespace, name } = row ?? readNames(change.object);
      const facts = { version: change.version, namespace, objectName: name, previous: row?.changed };
      const unseen = step.event && (await isUnseen(row?.added));
      const event = eventOf(unseen ? 'added' : step.name, change, facts);
      const { erred, passed, changed, same } = await judge(event, step.unless);
      const told = step.event && !same && passed ? store(event, !erred) : undefined;
      const reason = told === undefined ? silenceOf(step, change, row, same, wishes) : undefined;
      if (reason !== undefined) silent.push({ reason, name: event.name, namespace, objectName: name });
      const added = told === undefined ? row?.added : event.name === 'added' ? told : undefined;
      write(uid, held, {
        version: change.version,
        term,
        ...(namespace === undefined ? {} : { namespace }),
        name,
        expressions,
        ...(changed === undefined ? {} : { changed }),
        // What did not change was not asked about again.
        passed: same ? row?.passed === true : passed,
        ...(added === undefined ? {} : { added }),
      });
    },
  };
}

/** Undefined: edited expressions have judged anew what is no news. */
function silenceOf(
  step: Step & { readonly kind: 'judge' },
  change: ObjectPut & { readonly kind: 'set' },
  row: ObjectRow | undefined,
  same: boolean,
  { initialEach }: Wishes,
): SilentReason | undefined {
  if (step.event) return same ? 'unchanged' : 'filter';
  if (row === undefined) return change.baseline === true && !initialEach ? 'initial' : 'events';
  return change.version === row.version ? undefined : 'events';
}

type Facts = Pick<ClusterEvent, 'version' | 'namespace' | 'objectName' | 'previous'>;

function wishesOf({ entry, expressions }: LiveTrigger & { readonly entry: KubernetesTriggerEntry }): Wishes {
  const { events, initial } = entry.spec as { readonly events?: readonly string[]; readonly initial?: string };
  const names = (events ?? []).map((each) => each.toLowerCase() as ClusterEventName);
  return { events: new Set(names), initialEach: initial === 'Each', hasChanged: expressions.changed !== undefined };
}

/** Equal values have equal texts; undefined: it has none, or one that is too long. */
function textOf(value: Parameters<typeof encodeJson>[0]): string | undefined {
  if (value === undefined) return 'null';
  try {
    return encodeJson(value, { ...defaultEncodeOptions, maxBytes: changedBytes, sortKeys: true });
  } catch (error) {
    if (error instanceof EncodeProblem) return undefined;
    throw error;
  }
}

function readNames(object: string): { readonly namespace: string | undefined; readonly name: string } {
  const { metadata } = JSON.parse(object) as {
    readonly metadata: { readonly name: string; readonly namespace?: string };
  };
  return { namespace: metadata.namespace, name: metadata.name };
}
