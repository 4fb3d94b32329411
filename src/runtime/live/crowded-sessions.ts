/** Places of sessions that tenants share: a namespace that opens too many ends its own, and nobody fills the places of all. */

const mostSessions = 200;
const mostOfNamespace = 40;

/** The sessions, oldest first, one of which has to end before `namespaceUid` gets another; empty: there is room. */
export function crowdedSessions(
  sessions: ReadonlyMap<string, { readonly namespaceUid: string }>,
  namespaceUid: string,
): readonly string[] {
  const ids = Map.groupBy(sessions.keys(), (id) => sessions.get(id)?.namespaceUid ?? '');
  const own = ids.get(namespaceUid) ?? [];
  if (own.length >= mostOfNamespace) return own;
  if (sessions.size < mostSessions) return [];
  return [...ids.values()].reduce((one, other) => (other.length > one.length ? other : one), own);
}
