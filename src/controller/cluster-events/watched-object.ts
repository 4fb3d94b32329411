/** What the copy of a watched collection keeps of an object: who it is, and the text that functions are given. */
import type { KubeObject } from '../kube-object.ts';

export interface WatchedText extends KubeObject {
  /** JSON of the object, without what only the API server needs. */
  readonly text: string;
}

/** Content of Secrets is never given to triggers: this is asked for instead. */
export const metadataOnly = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
const listMetadataOnly = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
const acceptMetadata = `${metadataOnly},${listMetadataOnly}`;

/** What is asked for; undefined: whole objects. */
export function acceptOf({
  apiVersion,
  kind,
}: {
  readonly apiVersion: string;
  readonly kind: string;
}): string | undefined {
  return isSecret(apiVersion, kind) ? acceptMetadata : undefined;
}

/** Lists leave out what kind their items are; metadata alone calls itself something else. */
export function keepText({
  apiVersion,
  kind,
}: {
  readonly apiVersion: string;
  readonly kind: string;
}): (object: KubeObject) => WatchedText {
  const secret = isSecret(apiVersion, kind);
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

function isSecret(apiVersion: string, kind: string): boolean {
  return apiVersion === 'v1' && kind === 'Secret';
}

/** What kubectl apply leaves behind holds the values. */
function withoutCopy(metadata: KubeObject['metadata']): KubeObject['metadata'] {
  const { annotations = {}, ...rest } = metadata;
  const { 'kubectl.kubernetes.io/last-applied-configuration': _copy, ...kept } = annotations;
  return Object.keys(kept).length === 0 ? rest : { ...rest, annotations: kept };
}
