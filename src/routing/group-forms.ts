/** Which runtime group an entry belongs to, and the form of it that a group is given. Pure. */
import type { InstallationPolicy } from '../policy/installation-policy.ts';
import { defaultGroup, groupOf, groupsLeftBy } from '../policy/runtime-groups.ts';
import type { SubscriptionEntry } from './subscription-entry.ts';
import type { FunctionEntry } from './types.ts';

const stays = {};

/** A run on one machine is one group, whatever the policy says. */
export function placeInGroup(
  policy: InstallationPolicy,
  namespace: string,
  mode: 'cluster' | 'local',
): { readonly group: string; readonly leaving: Pick<FunctionEntry, 'leaving'> } {
  if (mode === 'local') return { group: defaultGroup, leaving: stays };
  const left = groupsLeftBy(policy, namespace);
  return { group: groupOf(policy, namespace), leaving: left.length === 0 ? stays : { leaving: left } };
}

/** For the status: where events may still wait, and what ends that. */
export function movingWarnings({ group, leaving = [] }: Pick<FunctionEntry, 'group' | 'leaving'>): readonly string[] {
  return leaving.map(
    (from) =>
      `its namespace moved from the runtime group "${from}" to "${group}": what waited there is still run there; when nothing does, the operator takes the namespace out of runtimeMoves`,
  );
}

export interface GroupForms {
  /** The same object as long as the entry is; undefined: the group is not given it. */
  ofFunction(entry: FunctionEntry): FunctionEntry | undefined;
  ofSubscription(entry: SubscriptionEntry): SubscriptionEntry | undefined;
}

/** By group: links of one group share what they are sent. */
export function createFormsByGroup(): (group: string) => GroupForms {
  const known = new Map<string, GroupForms>();
  return (group) => {
    let own = known.get(group);
    if (own === undefined) known.set(group, (own = createGroupForms(group)));
    return own;
  };
}

/** What the runtimes of one group are given of entries. */
function createGroupForms(group: string): GroupForms {
  const functions = new WeakMap<FunctionEntry, FunctionEntry>();
  const subscriptions = new WeakMap<SubscriptionEntry, SubscriptionEntry>();
  return {
    ofFunction: (entry) => formOf(entry, group, functions, drainingForm),
    // What is published there while it empties goes out there.
    ofSubscription: (entry) => formOf(entry, group, subscriptions, (rest) => ({ ...rest, group })),
  };

  function drainingForm(entry: FunctionEntry): FunctionEntry {
    return {
      ...entry,
      group,
      // Another form than the one it had here: it is loaded anew.
      revision: `${entry.revision}-draining`,
      draining: true,
      triggers: entry.triggers.map((trigger) => (trigger.kind === 'http' ? { ...trigger, routes: [] } : trigger)),
    };
  }
}

function formOf<Entry extends { readonly group: string; readonly leaving?: readonly string[] }>(
  entry: Entry,
  group: string,
  known: WeakMap<Entry, Entry>,
  leave: (rest: Entry) => Entry,
): Entry | undefined {
  const { leaving } = entry;
  if (leaving === undefined) return entry.group === group ? entry : undefined;
  let form = known.get(entry);
  if (form !== undefined) return form;
  const { leaving: _left, ...rest } = entry;
  if (entry.group === group) form = rest as Entry;
  else if (leaving.includes(group)) form = leave(rest as Entry);
  else return undefined;
  known.set(entry, form);
  return form;
}
