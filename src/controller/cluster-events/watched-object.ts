/** What the copy of a watched collection keeps of an object: who it is, and the text that functions are given. */
import type { KubeObject } from '../kube-object.ts';

export interface WatchedText extends KubeObject {
  /** JSON of the object, without what only the API server needs. */
  readonly text: string;
}

/** Content of Secrets is never given to triggers. */
export function isMetadataOnly({ apiVersion, kind }: { readonly apiVersion: string; readonly kind: string }): boolean {
  return apiVersion === 'v1' && kind === 'Secret';
}

/** Lists leave out what kind their items are; metadata alone calls itself something else. */
export function keepText({
  apiVersion,
  kind,
}: {
  readonly apiVersion: string;
  readonly kind: string;
}): (object: KubeObject) => WatchedText {
  const secret = isMetadataOnly({ apiVersion, kind });
  return (object) => {
    const {
      apiVersion: _version,
      kind: _kind,
      metadata,
      ...rest
    } = object as KubeObject & Readonly<Record<string, unknown>>;
    const { managedFields: _fields, ...shown } = metadata as typeof metadata & { readonly managedFields?: unknown };
    const { uid, name, resourceVersion, namespace } = metadata;
    return {
      metadata: { uid, name, resourceVersion, ...(namespace === undefined ? {} : { namespace }) },
      text: JSON.stringify({
        apiVersion,
        kind,
        metadata: secret ? withoutCopy(shown) : shown,
        ...(secret ? {} : rest),
      }),
    };
  };
}

/** What kubectl apply leaves behind holds the values. */
function withoutCopy(metadata: KubeObject['metadata']): KubeObject['metadata'] {
  const { annotations = {}, ...rest } = metadata;
  const { 'kubectl.kubernetes.io/last-applied-configuration': _copy, ...kept } = annotations;
  return Object.keys(kept).length === 0 ? rest : { ...rest, annotations: kept };
}
