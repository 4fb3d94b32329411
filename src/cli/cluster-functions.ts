/** Functions of a cluster as the console edits them: the resource as YAML, written back only over what it was read as. */
import { stringify } from 'yaml';
import type { Draft, FunctionText, SaveResult } from '../console/console-source.ts';
import { resourcePath } from '../controller/kube-answer.ts';
import type { ClusterDesk } from './ask-cluster.ts';
import { findResource, TryRefused } from './isolate-draft.ts';
import type { PlainObject } from './run-client.ts';

const apiVersion = 'moonhook.dev/v1alpha1';
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

interface Metadata {
  readonly name: string;
  readonly namespace: string;
  readonly resourceVersion: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

type Desk = Pick<ClusterDesk, 'ask'>;

const pathOf = (namespace: string, name: string): string =>
  resourcePath({ apiVersion, resource: 'webhookfunctions', namespace, name });

/** Undefined: there is none, or it cannot be read. */
export async function readFunctionText(desk: Desk, namespace: string, name: string): Promise<FunctionText | undefined> {
  const answer = await desk.ask({ path: pathOf(namespace, name) });
  return answer.ok ? textOf(answer.value) : undefined;
}

/** What the text says of labels, annotations and spec takes the place of what is there; all else of the object stays. */
export async function saveFunctionText(
  desk: Desk,
  namespace: string,
  name: string,
  draft: Draft,
  version: string,
): Promise<SaveResult> {
  let wanted: PlainObject;
  try {
    wanted = findResource(draft, namespace, name).resource;
  } catch (error) {
    if (error instanceof TryRefused) return { kind: 'refused', message: error.message };
    throw error;
  }
  const before = await desk.ask({ path: pathOf(namespace, name) });
  if (!before.ok) return { kind: 'refused', message: before.message };
  if (metadataOf(before.value).resourceVersion !== version) return { kind: 'conflict', theirs: textOf(before.value) };
  const put = await desk.ask({
    method: 'PUT',
    path: pathOf(namespace, name),
    query: { fieldManager: 'moonhook-console', fieldValidation: 'Strict' },
    body: merged(before.value, wanted),
  });
  if (put.ok) return { kind: 'saved', text: textOf(put.value) };
  // Somebody may have been faster: the API server compares what the object was read as.
  const now = await readFunctionText(desk, namespace, name);
  return now !== undefined && now.version !== version
    ? { kind: 'conflict', theirs: now }
    : { kind: 'refused', message: put.message };
}

function merged(before: PlainObject, wanted: PlainObject): PlainObject {
  const { labels: _labels, annotations = {}, ...metadata } = metadataOf(before);
  const { labels, annotations: shown = {} } = (wanted['metadata'] ?? {}) as Partial<Metadata>;
  const kept = annotations[lastApplied];
  return {
    ...before,
    metadata: {
      ...metadata,
      ...(labels === undefined ? {} : { labels }),
      annotations: { ...shown, ...(kept === undefined ? {} : { [lastApplied]: kept }) },
    },
    spec: wanted['spec'],
  };
}

function textOf(object: PlainObject): FunctionText {
  const { name, namespace, resourceVersion, labels, annotations = {} } = metadataOf(object);
  const { [lastApplied]: _applied, ...shown } = annotations;
  const metadata = {
    name,
    namespace,
    ...(labels === undefined ? {} : { labels }),
    ...(Object.keys(shown).length === 0 ? {} : { annotations: shown }),
  };
  const resource = { apiVersion, kind: 'WebhookFunction', metadata, spec: object['spec'] };
  return {
    place: `${namespace}/${name}`,
    yaml: stringify(resource, { lineWidth: 0 }),
    version: resourceVersion,
  };
}

function metadataOf(object: PlainObject): Metadata {
  return object['metadata'] as Metadata;
}
