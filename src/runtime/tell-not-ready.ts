/** `dev.moonhook.function.notready`: which functions cannot serve as they are written now, for the bus of their namespace. */
import type { Acknowledgement, FunctionEntry, RouteTable } from '../routing/types.ts';
import { systemItem, systemTypes } from './system-event.ts';
import type { WorkerParts } from './worker-parts.ts';

export interface NotReady {
  readonly namespaceUid: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly revision: string;
  readonly reason: string;
  readonly message: string;
}

/** Functions whose new revision was refused, or misses something it refers to. */
export function findNotReady(table: RouteTable, acknowledgements: readonly Acknowledgement[]): readonly NotReady[] {
  return acknowledgements.flatMap((acknowledgement) => {
    const entry = table.functions.get(acknowledgement.uid);
    if (entry === undefined) return [];
    const why = whyNot(entry, acknowledgement);
    if (why === undefined) return [];
    const { namespaceUid, namespace, name, uid, revision } = entry;
    return [{ namespaceUid, namespace, name, uid, revision, ...why }];
  });
}

function whyNot(
  { unresolved }: FunctionEntry,
  { accepted, reason = 'Refused', message = '' }: Acknowledgement,
): { readonly reason: string; readonly message: string } | undefined {
  if (!accepted) return { reason, message };
  return unresolved === undefined ? undefined : { reason: unresolved.reason, message: unresolved.message };
}

/** Each revision and reason is told once, by whichever runtime finds it out first. */
export async function tellNotReady(notices: readonly NotReady[], parts: WorkerParts): Promise<void> {
  for (const { namespaceUid, namespace, name, uid, revision, reason, message } of notices) {
    const item = await systemItem(
      {
        type: systemTypes.functionNotReady,
        namespaceUid,
        namespace,
        name,
        identity: [uid, revision, reason],
        data: { function: name, reason, message },
      },
      parts,
    );
    if (item !== undefined) await parts.store.append([item]);
  }
}
