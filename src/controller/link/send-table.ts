/** Sends one runtime what it lacks of the table: the sender remembers what the runtime holds, so only differences travel. */
import type { Held } from '../../link/protocol.ts';
import type { GroupForms } from '../../routing/group-forms.ts';
import type { RouteTable } from '../../routing/types.ts';
import { subscriptionLetter, type Encodable, type EntryTexts } from './entry-texts.ts';

/** Characters of one message, so that nobody's loop stands still for long. */
const pieceCharacters = 256 * 1024;
/** Looked at in one turn. */
const pieceUids = 1_000;
/** Above, the network is waited for. */
const bufferedBytes = 4 * 1024 * 1024;

export interface SenderOptions {
  /** Of the runtime's group. */
  readonly forms: GroupForms;
  readonly texts: EntryTexts;
  /** `taken` is called when the network has taken the text, or never. */
  send(text: string, taken: () => void): void;
  buffered(): number;
  /** Calls back in a later turn of the loop. */
  later(callback: () => void): void;
}

export interface TableSender {
  /** The runtime wants the table, and says what it has. */
  start(holds: readonly Held[], table: RouteTable, epoch: number): void;
  /** These functions and subscriptions are not what they were. */
  update(uids: Iterable<string>, table: RouteTable, epoch: number): void;
  stop(): void;
}

export function createTableSender({ forms, texts, send, buffered, later }: SenderOptions): TableSender {
  let held = new Map<string, string>();
  let waiting = new Set<string>();
  let now: { readonly table: RouteTable; readonly epoch: number } | undefined;
  /** True: a later turn goes on. */
  let scheduled = false;
  let whole = true;

  /** The change that brings the runtime up to date on one uid; undefined: it is. */
  function changeOf(uid: string, table: RouteTable): string | undefined {
    const item = itemOf(uid, table, forms);
    const before = held.get(uid);
    if (item === undefined) {
      if (before === undefined) return undefined;
      held.delete(uid);
      const op = before.startsWith(subscriptionLetter) ? 'deleteSubscription' : 'delete';
      // It serves elsewhere: what waits here is nobody's to throw away.
      const moved = isIn(table, uid) ? ',"moved":true' : '';
      return `{"op":"${op}","uid":${JSON.stringify(uid)}${moved}}`;
    }
    const digest = texts.digest(item);
    if (digest === before) return undefined;
    held.set(uid, digest);
    const [op, member] = item.kind === 'function' ? ['set', 'entry'] : ['setSubscription', 'subscription'];
    return `{"op":"${op}","digest":${JSON.stringify(digest)},"${member}":${texts.text(item)}}`;
  }

  function pump(): void {
    scheduled = false;
    if (now === undefined || whole) return;
    const { table, epoch } = now;
    const changes: string[] = [];
    let characters = 0;
    let looked = 0;
    for (const uid of waiting) {
      if (characters >= pieceCharacters || looked >= pieceUids) break;
      looked += 1;
      waiting.delete(uid);
      const change = changeOf(uid, table);
      if (change === undefined) continue;
      changes.push(change);
      characters += change.length;
    }
    whole = waiting.size === 0;
    if (!whole && changes.length === 0) return schedule();
    const text = `{"kind":"table","epoch":${epoch},"version":${table.version},"whole":${whole},"changes":[${changes.join(',')}]}`;
    const crowded = buffered() > bufferedBytes;
    send(text, () => {
      if (crowded && !whole) schedule();
    });
    if (!whole && !crowded) schedule();
  }

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    later(pump);
  }

  return {
    start(holds, table, epoch) {
      held = new Map(holds);
      // What is gone first: a successor may have its name and routes.
      const gone = holds.flatMap(([uid]) => (isIn(table, uid) ? [] : [uid]));
      waiting = new Set([...gone, ...table.functions.keys(), ...(table.subscriptions?.keys() ?? [])]);
      now = { table, epoch };
      whole = false;
      schedule();
    },
    update(uids, table, epoch) {
      if (now === undefined) return;
      now = { table, epoch };
      const added = [...uids];
      // The same order: what is gone goes ahead of what is still waiting.
      const gone = added.filter((uid) => !isIn(table, uid));
      waiting = new Set([...gone, ...waiting, ...added]);
      if (!whole) return;
      whole = false;
      // At once: this is the way of an edit.
      if (!scheduled) pump();
    },
    stop() {
      now = undefined;
      waiting.clear();
      held = new Map();
    },
  };
}

function itemOf(uid: string, table: RouteTable, forms: GroupForms): Encodable | undefined {
  const found = table.functions.get(uid);
  if (found !== undefined) {
    const entry = forms.ofFunction(found);
    return entry === undefined ? undefined : { kind: 'function', entry };
  }
  const subscription = table.subscriptions?.get(uid);
  const entry = subscription && forms.ofSubscription(subscription);
  return entry === undefined ? undefined : { kind: 'subscription', entry };
}

function isIn(table: RouteTable, uid: string): boolean {
  return table.functions.has(uid) || table.subscriptions?.has(uid) === true;
}
