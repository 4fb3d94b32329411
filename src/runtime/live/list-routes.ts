/** The route table as rows: what answers where, and why something does not. Pure. */
import { compareTexts } from '../../function/compare-texts.ts';
import type { FunctionEntry, RouteTable } from '../../routing/types.ts';

/** One route of a trigger. */
export interface ListedRoute {
  readonly namespace: string;
  readonly name: string;
  readonly trigger: string;
  /** Absent: any host. */
  readonly host?: string;
  readonly path: string;
  /** Empty: all. */
  readonly methods: readonly string[];
  readonly receiver: string;
  readonly mode: 'sync' | 'async';
  /** Why it does not answer now. */
  readonly problem?: string;
}

/** In the order of paths. */
export function listRoutes(table: RouteTable): readonly ListedRoute[] {
  const rows = [...table.functions.values()].flatMap(routesOf);
  return rows.sort(
    (one, other) => compareTexts(one.path, other.path) || compareTexts(one.host ?? '', other.host ?? ''),
  );
}

function routesOf(entry: FunctionEntry): readonly ListedRoute[] {
  const { namespace, name } = entry;
  return entry.triggers.flatMap((trigger) => {
    if (trigger.kind !== 'http') return [];
    const unresolved = entry.unresolved ?? trigger.unresolved;
    const problem = entry.suspended
      ? 'the function is suspended'
      : unresolved && `${unresolved.reason}: ${unresolved.message}`;
    return trigger.routes.map(({ host, path, methods }) => ({
      namespace,
      name,
      trigger: trigger.name,
      ...(host === undefined ? {} : { host }),
      path,
      methods,
      receiver: trigger.receiver.name,
      mode: trigger.mode,
      ...(problem === undefined ? {} : { problem }),
    }));
  });
}
