/** What follows from changes of the table beside the threads: most edits concern neither names nor schedules. Pure. */
import type { TableChange } from '../routing/diff-tables.ts';
import type { FunctionEntry, RouteTable } from '../routing/types.ts';

export interface ChangeWeight {
  /** A function, trigger or subscription came, went, or has another name. */
  readonly names: boolean;
  /** A schedule came, went, or may have changed. */
  readonly schedules: boolean;
}

const noWeight: ChangeWeight = { names: false, schedules: false };

/** `before`: the table that the changes are applied to. */
export function weighChanges(before: RouteTable, changes: readonly TableChange[]): ChangeWeight {
  let names = false;
  let schedules = false;
  for (const change of changes) {
    if (change.op === 'set') {
      const old = before.functions.get(change.entry.uid);
      names ||= !sameName(old, change.entry) || !sameTriggers(old, change.entry);
      schedules ||= hasSchedule(change.entry) || hasSchedule(old);
    } else if (change.op === 'setSubscription') {
      names ||= !sameName(before.subscriptions?.get(change.subscription.uid), change.subscription);
    } else {
      names = true;
      schedules ||= hasSchedule(before.functions.get(change.uid));
    }
    if (names && schedules) break;
  }
  return { names, schedules };
}

/** The weight of changes that nobody has dealt with yet. */
export class PendingWeight {
  #weight = noWeight;

  add({ names, schedules }: ChangeWeight): void {
    this.#weight = { names: this.#weight.names || names, schedules: this.#weight.schedules || schedules };
  }

  take(): ChangeWeight {
    const weight = this.#weight;
    this.#weight = noWeight;
    return weight;
  }
}

type Named = Pick<FunctionEntry, 'name' | 'namespaceUid'>;

function sameName(one: Named | undefined, other: Named): boolean {
  return one?.name === other.name && one.namespaceUid === other.namespaceUid;
}

/** By their names, in order: another order is looked into once too often. */
function sameTriggers(one: FunctionEntry | undefined, other: FunctionEntry): boolean {
  const { triggers } = other;
  return one?.triggers.length === triggers.length && one.triggers.every(({ name }, at) => name === triggers[at]?.name);
}

function hasSchedule(entry: FunctionEntry | undefined): boolean {
  return entry?.triggers.some(({ kind }) => kind === 'schedule') === true;
}
