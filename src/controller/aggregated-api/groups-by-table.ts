/** Which groups of runtimes hold something of a namespace, as the table places its functions and subscriptions. */
import type { AskedNamespace } from '../../link/live-questions.ts';
import type { RouteTable } from '../../routing/types.ts';

/** Answers of `linked` those of the namespace; all of them where the table has nothing of it any more, or none is named. */
export function groupsByTable(
  table: () => RouteTable | undefined,
): (namespace: AskedNamespace | undefined, linked: readonly string[]) => readonly string[] {
  let known: RouteTable | undefined;
  let groups = new Map<string, Set<string>>();
  return (namespace, linked) => {
    const current = table();
    if (current !== known) {
      known = current;
      groups = new Map();
      for (const { namespaceUid, group } of [
        ...(current?.functions.values() ?? []),
        ...(current?.subscriptions?.values() ?? []),
      ]) {
        groups.set(namespaceUid, (groups.get(namespaceUid) ?? new Set<string>()).add(group));
      }
    }
    const own = namespace === undefined ? undefined : groups.get(namespace.uid);
    return own === undefined ? linked : linked.filter((group) => own.has(group));
  };
}
