/**
 * Functions of a cluster as the console edits them: the resource as YAML, written back by server-side apply, only over what it
 * was read as. What is applied is what changed, and what the console owns already: everything else stays with its owners.
 */
import { stringify } from 'yaml';
import type { Draft, FunctionText, OwnedField, SaveResult } from '../console/console-source.ts';
import { resourcePath } from '../controller/kube-answer.ts';
import type { ClusterDesk } from './ask-cluster.ts';
import type { Answered } from './dev-client.ts';
import { findResource, TryRefused } from './isolate-draft.ts';
import { changedFields, ownersOf, pathText, withField, type FieldChange, type ManagedFields } from './owned-fields.ts';
import type { PlainObject } from './run-client.ts';

const apiVersion = 'moonhook.dev/v1alpha1';
const kind = 'WebhookFunction';
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';
/** Our name among those that look after fields. */
export const fieldManager = 'moonhook-console';

interface Metadata {
  readonly name: string;
  readonly namespace: string;
  readonly resourceVersion: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly managedFields?: readonly ManagedFields[];
}

type Desk = Pick<ClusterDesk, 'ask'>;

const pathOf = (namespace: string, name: string): string =>
  resourcePath({ apiVersion, resource: 'webhookfunctions', namespace, name });

/** Undefined: there is none, or it cannot be read. */
export async function readFunctionText(desk: Desk, namespace: string, name: string): Promise<FunctionText | undefined> {
  const answer = await desk.ask({ path: pathOf(namespace, name) });
  return answer.ok ? textOf(answer.value) : undefined;
}

export interface SaveOrder {
  readonly draft: Draft;
  /** The version that the draft is based on. */
  readonly basedOn: string;
  /** Also over fields that others look after. */
  readonly takeOver: boolean;
}

/** What the text says of labels, annotations and spec takes the place of what is there; all else of the object stays. */
export async function saveFunctionText(
  desk: Desk,
  namespace: string,
  name: string,
  { draft, basedOn, takeOver }: SaveOrder,
): Promise<SaveResult> {
  let wanted: PlainObject;
  try {
    wanted = findResource(draft, namespace, name).resource;
  } catch (error) {
    if (error instanceof TryRefused) return { kind: 'refused', message: error.message };
    throw error;
  }
  const read = await desk.ask({ path: pathOf(namespace, name) });
  if (!read.ok) return { kind: 'refused', message: read.message };
  const metadata = metadataOf(read.value);
  if (metadata.resourceVersion !== basedOn) return { kind: 'conflict', theirs: textOf(read.value) };
  const { managedFields: managed = [] } = metadata;
  const [before, after] = [contentOf(read.value), contentOf(wanted)];
  const own = managed.find((each) => isOurs(each) && each.operation === 'Apply' && each.subresource === undefined);
  const { changes, applied } = changedFields(before, after, managed, own?.fieldsV1);
  if (changes.length === 0) return { kind: 'saved', text: textOf(read.value) };
  // An apply takes away only what nobody else applies: an update does.
  const stuck = changes.filter((each) => each.after === undefined && othersOf(managed, each, own).length > 0);
  const asked = stuck.filter((each) => othersOf(managed, each, own).some((other) => !isOurs(other)));
  const body = { apiVersion, kind, ...withIdentity(applied, metadata) };
  const apply = (more: { readonly force?: boolean; readonly dryRun?: 'All' }): Promise<Answered<PlainObject>> =>
    desk.ask({
      method: 'PATCH',
      path: pathOf(namespace, name),
      query: { fieldManager, fieldValidation: 'Strict', ...more },
      contentType: 'application/apply-patch+yaml',
      body,
    });
  const update = (): Promise<Answered<PlainObject>> =>
    desk.ask({
      method: 'PUT',
      path: pathOf(namespace, name),
      query: { fieldManager, fieldValidation: 'Strict' },
      body: replaced(read.value, after),
    });
  const write = (force: boolean): Promise<Answered<PlainObject>> => (stuck.length > 0 ? update() : apply({ force }));
  let written: Answered<PlainObject>;
  if (takeOver) written = await write(true);
  else {
    // What an update would take is found by an apply that writes nothing.
    const tried = await apply(stuck.length > 0 ? { dryRun: 'All' } : {});
    const taken = tried.ok ? [] : (tried.taken ?? []);
    // What is refused as it stands is not worth a question.
    const judged = tried.ok || taken.length > 0 ? changes : [];
    const foreign = judged.filter(
      (each) =>
        asked.includes(each) ||
        (taken.some(({ field }) => isWithin(field, pathText(each.path))) &&
          ownersOf(managed, each.path).some((owner) => !isOurs(owner))),
    );
    if (foreign.length > 0) return ownedBy(managed, foreign, wanted);
    // Ours by an update of before, or nothing left to ask about.
    const onlyOurs = taken.length > 0 && taken.every(({ message }) => message.includes(`"${fieldManager}"`));
    written = onlyOurs || (tried.ok && stuck.length > 0) ? await write(true) : tried;
  }
  if (written.ok) return { kind: 'saved', text: textOf(written.value) };
  // Somebody may have been faster: the API server compares what the object was read as.
  const now = await readFunctionText(desk, namespace, name);
  return now !== undefined && now.version !== basedOn
    ? { kind: 'conflict', theirs: now }
    : { kind: 'refused', message: written.message };
}

function ownedBy(managed: readonly ManagedFields[], foreign: readonly FieldChange[], wanted: PlainObject): SaveResult {
  const shown = (value: unknown): string => (value === undefined ? '' : stringify(value, { lineWidth: 0 }));
  const fields = foreign.map(({ path, before: theirs, after: mine }): OwnedField => {
    const others = ownersOf(managed, path).filter((owner) => !isOurs(owner));
    const owners = [...new Set(others.map(({ manager = 'somebody' }) => manager))];
    return { field: pathText(path), owners, theirs: shown(theirs), mine: shown(mine) };
  });
  let yielded: unknown = wanted;
  for (const { path, before: theirs } of foreign) yielded = withField(yielded, path, theirs);
  return { kind: 'owned', fields, yielded: { yaml: textOfContent(yielded as PlainObject) } };
}

const isWithin = (field: string, place: string): boolean =>
  field === place || field.startsWith(`${place}.`) || field.startsWith(`${place}[`);

const isOurs = ({ manager }: ManagedFields): boolean => manager === fieldManager;

/** Who else keeps a field when it is applied no more. */
function othersOf(
  managed: readonly ManagedFields[],
  { path }: FieldChange,
  own: ManagedFields | undefined,
): readonly ManagedFields[] {
  return ownersOf(managed, path).filter((owner) => owner !== own);
}

/** What the console edits of an object. */
function contentOf(object: PlainObject): PlainObject {
  const { labels = {}, annotations = {} } = (object['metadata'] ?? {}) as Partial<Metadata>;
  const { [lastApplied]: _applied, ...shown } = annotations;
  return { metadata: { labels, annotations: shown }, spec: object['spec'] };
}

/** An apply is refused where the object has another version by then. */
function withIdentity(applied: PlainObject, { name, namespace, resourceVersion }: Metadata): PlainObject {
  return { ...applied, metadata: { ...(applied['metadata'] as object), name, namespace, resourceVersion } };
}

function replaced(before: PlainObject, { metadata: wanted, spec }: PlainObject): PlainObject {
  const { labels, annotations } = wanted as Pick<Metadata, 'labels' | 'annotations'>;
  const metadata = metadataOf(before);
  const kept = metadata.annotations?.[lastApplied];
  const all = { ...annotations, ...(kept === undefined ? {} : { [lastApplied]: kept }) };
  return { ...before, metadata: { ...metadata, labels, annotations: all }, spec };
}

function textOf(object: PlainObject): FunctionText {
  const { name, namespace, resourceVersion } = metadataOf(object);
  return { place: `${namespace}/${name}`, yaml: textOfContent(object), version: resourceVersion };
}

/** As the editor shows it. */
function textOfContent(object: PlainObject): string {
  const { name, namespace } = metadataOf(object);
  const content = contentOf(object)['metadata'] as Pick<Metadata, 'labels' | 'annotations'>;
  const filled = Object.entries(content).filter(([, entries]) => Object.keys(entries ?? {}).length > 0);
  const metadata = { name, ...(namespace === undefined ? {} : { namespace }), ...Object.fromEntries(filled) };
  return stringify({ apiVersion, kind, metadata, spec: object['spec'] }, { lineWidth: 0 });
}

function metadataOf(object: PlainObject): Metadata {
  return object['metadata'] as Metadata;
}
