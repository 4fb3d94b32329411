/** Reads the runtime groups of a policy file, and says what is wrong with them. */
import type { Mistake } from '../function/mistakes.ts';
import { defaultGroup, type RuntimeGroups } from './runtime-groups.ts';

export interface RuntimeGroupsFile {
  readonly runtimeGroups?: readonly { readonly name: string; readonly namespaces: readonly string[] }[];
  readonly runtimeMoves?: readonly { readonly namespace: string; readonly from: string }[];
  readonly hosts?: readonly {
    readonly host: string;
    readonly namespaces: readonly string[];
    readonly mount: '/{namespace}' | '/';
  }[];
}

/** Each namespace has one group, and each move leads somewhere. */
export function checkRuntimeGroups(file: RuntimeGroupsFile): readonly Mistake[] {
  const { runtimeGroups = [], runtimeMoves = [] } = file;
  const mistakes: Mistake[] = [];
  const names = new Set<string>();
  const placed = new Map<string, string>();
  for (const [index, { name, namespaces }] of runtimeGroups.entries()) {
    const path = `runtimeGroups[${index}]`;
    if (name === defaultGroup) {
      const message = '"default" is the group of all namespaces that no group names: give this one another name';
      mistakes.push({ path: `${path}.name`, message });
    }
    if (names.has(name)) mistakes.push({ path: `${path}.name`, message: `"${name}" stands twice` });
    names.add(name);
    for (const namespace of namespaces) {
      const other = placed.get(namespace);
      if (other !== undefined && other !== name) {
        const message = `"${namespace}" is in "${other}", too: a namespace has one group`;
        mistakes.push({ path: `${path}.namespaces`, message });
      }
      placed.set(namespace, name);
    }
  }
  for (const [index, { namespace, from }] of runtimeMoves.entries()) {
    const path = `runtimeMoves[${index}].from`;
    const now = placed.get(namespace) ?? defaultGroup;
    if (from === now) mistakes.push({ path, message: `"${namespace}" is in "${from}" now: it moved from another` });
    else if (from !== defaultGroup && !names.has(from)) {
      const message = `there is no group "${from}": keep it in runtimeGroups, without namespaces, until nothing waits there`;
      mistakes.push({ path, message });
    }
  }
  return [...mistakes, ...checkHosts(file, placed)];
}

/** Requests are led to a group by host, or by the namespace in the path: a host without namespaces in its paths has one. */
function checkHosts(
  { hosts = [], runtimeGroups = [] }: RuntimeGroupsFile,
  placed: ReadonlyMap<string, string>,
): readonly Mistake[] {
  if (runtimeGroups.length === 0) return [];
  const mistakes: Mistake[] = [];
  const groupsByHost = new Map<string, string>();
  for (const [index, { host, namespaces, mount }] of hosts.entries()) {
    if (mount !== '/') continue;
    const path = `hosts[${index}].namespaces`;
    if (namespaces.includes('*')) {
      const message = `with runtimeGroups the paths of ${host} do not tell which group a request is for: name the namespaces, of one group, or mount them at "/{namespace}"`;
      mistakes.push({ path, message });
      continue;
    }
    for (const namespace of namespaces) {
      const group = placed.get(namespace) ?? defaultGroup;
      const first = groupsByHost.get(host) ?? group;
      groupsByHost.set(host, first);
      if (first === group) continue;
      const message = `${host} has absolute paths of the groups "${first}" and "${group}": give each group a host of its own, or mount at "/{namespace}"`;
      mistakes.push({ path, message });
      break;
    }
  }
  return mistakes;
}

/** As the policy has them; nothing where the file names none. */
export function readRuntimeGroups({ runtimeGroups, runtimeMoves = [] }: RuntimeGroupsFile): {
  readonly runtimeGroups?: RuntimeGroups;
} {
  if (runtimeGroups === undefined || runtimeGroups.length === 0) return {};
  const leaving = Map.groupBy(runtimeMoves, ({ namespace }) => namespace);
  return {
    runtimeGroups: {
      names: runtimeGroups.map(({ name }) => name),
      placed: Object.fromEntries(
        runtimeGroups.flatMap(({ name, namespaces }) => namespaces.map((namespace) => [namespace, name])),
      ),
      leaving: Object.fromEntries(
        [...leaving].map(([namespace, moves]) => [namespace, [...new Set(moves.map(({ from }) => from))]]),
      ),
    },
  };
}
