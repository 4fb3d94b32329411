/** What every object of the API server has. */

export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: KubeMetadata;
}

export interface KubeMetadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** One change of a collection, told by a watch or found by comparing a list with what was known. */
export type ObjectChange<Item> =
  | { readonly kind: 'set'; readonly object: Item; readonly previous: Item | undefined }
  /** With its last state as far as it is known. `missing`: no watch told of it, a whole list does not have it any more. */
  | { readonly kind: 'delete'; readonly object: Item; readonly missing?: true };

/** Whether something has the shape of an object. */
export function isKubeObject(value: unknown): value is KubeObject {
  const metadata = (value as KubeObject | null | undefined)?.metadata;
  return (
    typeof metadata?.uid === 'string' &&
    typeof metadata.resourceVersion === 'string' &&
    typeof metadata.name === 'string'
  );
}

/**
 * The changes that turn what is known into what a whole list says. By uid: an object deleted and made again is another
 * one. By inequality of versions: after a restore of etcd the newer state may have the lower number.
 */
export function diffObjects<Item extends KubeObject>(
  known: ReadonlyMap<string, Item>,
  listed: ReadonlyMap<string, Item>,
): readonly ObjectChange<Item>[] {
  const changes: ObjectChange<Item>[] = [];
  for (const [uid, object] of known) if (!listed.has(uid)) changes.push({ kind: 'delete', object, missing: true });
  for (const [uid, object] of listed) {
    const previous = known.get(uid);
    if (previous?.metadata.resourceVersion !== object.metadata.resourceVersion) {
      changes.push({ kind: 'set', object, previous });
    }
  }
  return changes;
}

/** Whether history was rewound: `current` is what the server has now, `ours` what it once told us. */
export function isRewound(current: string, ours: string): boolean {
  // Versions are decimal numbers without leading zeros; anything else cannot be compared.
  if (!/^\d+$/.test(current) || !/^\d+$/.test(ours)) return false;
  return BigInt(current) < BigInt(ours);
}
