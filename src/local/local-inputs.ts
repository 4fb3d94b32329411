/** Turns what a folder says into the inputs of the route table: functions with their identities, and what they refer to. */
import { hash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { apiVersion, type ObjectMeta } from '../function/types.ts';
import type { FunctionInput } from '../routing/build-context.ts';
import type { SubscriptionInput } from '../routing/build-subscription.ts';
import { fileKey, functionsLabel, referenceKey, type References } from '../routing/read-references.ts';
import type { ReferencedObject } from '../routing/types.ts';
import type { FileContent } from './folder.ts';
import type { SourceSnapshot } from './folder-source.ts';
import type {
  ConfigurationDocument,
  FunctionDocument,
  ResourceDocument,
  SubscriptionDocument,
} from './source-documents.ts';

export interface LocalInputs {
  /** The same objects as before for what did not change. */
  readonly functions: readonly FunctionInput[];
  /** Where each resource stands, by uid. */
  readonly documents: ReadonlyMap<string, ResourceDocument>;
  /** Uids of resources whose document is another one than before, or has files beside it. */
  readonly touched: ReadonlySet<string>;
  readonly subscriptions: readonly SubscriptionInput[];
  readonly references: References;
}

/** Turns snapshots into inputs; remembers when a function was first seen and how often its spec changed. */
export interface LocalInputsMaker {
  make(snapshot: SourceSnapshot, secrets: ReadonlyMap<string, string>): LocalInputs;
}

interface Known<Document, Input> {
  readonly document: Document;
  readonly input: Input;
  readonly uid: string;
  /** Turn in which it was last there. */
  seen: number;
}

/** `now` answers milliseconds since the epoch. */
export function createLocalInputs(now: () => number): LocalInputsMaker {
  const known = new Map<string, Known<FunctionDocument, FunctionInput>>();
  const knownSubscriptions = new Map<string, Known<SubscriptionDocument, SubscriptionInput>>();
  const byUid = new Map<string, ResourceDocument>();
  const namespaceUids = new Map<string, string>();
  let turn = 0;
  /** Of this turn, as a resource says it. */
  let time = '';
  let touched = new Set<string>();
  const objects = new WeakMap<object, ReferencedObject>();
  const overlays = new Map<string, Overlay>();

  function uidOfNamespace(namespace: string): string {
    const uid = namespaceUids.get(namespace) ?? namespaceUidOf(namespace);
    namespaceUids.set(namespace, uid);
    return uid;
  }

  function inputOf(document: FunctionDocument): FunctionInput {
    const before = known.get(document.identity);
    if (before?.document === document) {
      before.seen = turn;
      if (document.codeFiles.length > 0) touched.add(before.uid);
      return before.input;
    }
    const { namespace, name, resource } = document;
    const uid = before?.uid ?? stableUid(`function ${namespace}/${name}`);
    const { labels, annotations } = resource.metadata;
    const input: FunctionInput = {
      resource: {
        apiVersion,
        kind: 'WebhookFunction',
        metadata: {
          ...identityOf(document, uid, before?.input.resource, time),
          ...(labels === undefined ? {} : { labels }),
          ...(annotations === undefined ? {} : { annotations }),
        },
        spec: resource.spec,
      },
      namespaceUid: uidOfNamespace(namespace),
      codeOrigins: document.codeOrigins,
    };
    known.set(document.identity, { document, input, uid, seen: turn });
    byUid.set(uid, document);
    touched.add(uid);
    return input;
  }

  function subscriptionOf(document: SubscriptionDocument): SubscriptionInput {
    const before = knownSubscriptions.get(document.identity);
    if (before?.document === document) {
      before.seen = turn;
      return before.input;
    }
    const { namespace, name, resource } = document;
    const uid = before?.uid ?? stableUid(`subscription ${namespace}/${name}`);
    const input: SubscriptionInput = {
      resource: {
        apiVersion,
        kind: 'WebhookSubscription',
        metadata: identityOf(document, uid, before?.input.resource, time),
        spec: resource.spec,
      },
      namespaceUid: uidOfNamespace(namespace),
    };
    knownSubscriptions.set(document.identity, { document, input, uid, seen: turn });
    byUid.set(uid, document);
    touched.add(uid);
    return input;
  }

  function once(key: object, make: () => ReferencedObject): ReferencedObject {
    const object = objects.get(key) ?? make();
    objects.set(key, object);
    return object;
  }

  return {
    make: ({ documents, codeFiles }, secrets) => {
      const functions: FunctionInput[] = [];
      const subscriptions: SubscriptionInput[] = [];
      const references = new Map<string, ReferencedObject>();
      const namespaces = new Set<string>();
      turn += 1;
      time = new Date(now()).toISOString();
      touched = new Set();
      for (const document of documents) {
        if (document.kind === 'WebhookSubscription') {
          namespaces.add(document.namespace);
          subscriptions.push(subscriptionOf(document));
          continue;
        }
        if (document.kind !== 'WebhookFunction') {
          const { kind, namespace, name } = document;
          references.set(
            referenceKey(kind, namespace, name),
            once(document, () => objectOf(document)),
          );
          continue;
        }
        namespaces.add(document.namespace);
        functions.push(inputOf(document));
        for (const { written, name } of document.codeFiles) {
          const content = codeFiles.get(name);
          if (content === undefined || content.kind === 'missing') continue;
          references.set(
            fileKey(document.namespace, document.name, written),
            once(content, () => fileObject(name, content)),
          );
        }
      }
      for (const book of [known, knownSubscriptions]) {
        for (const [identity, { uid, seen }] of book) {
          if (seen === turn) continue;
          book.delete(identity);
          byUid.delete(uid);
        }
      }
      addSecrets(references, namespaces, secrets, overlays);
      return { functions, subscriptions, references, documents: byUid, touched };
    },
  };
}

/**
 * What an API server would say of a document: one generation more for another spec. `time` is when this process first saw
 * it: of two that want one route, the one that was there first keeps it.
 */
function identityOf(
  { namespace, name, resource }: ResourceDocument,
  uid: string,
  before: ResourceDocument['resource'] | undefined,
  time: string,
): ObjectMeta {
  const { generation = 1, creationTimestamp = time } = before?.metadata ?? {};
  const changed = before !== undefined && !isDeepStrictEqual(before.spec, resource.spec);
  return { name, namespace, uid, generation: generation + (changed ? 1 : 0), creationTimestamp };
}

/** The UID of a namespace of files: a namespace has it whether or not something is in it. */
export function namespaceUidOf(namespace: string): string {
  return stableUid(`namespace ${namespace}`);
}

/** The same function has the same uid in every run: its state is kept under it. */
function stableUid(text: string): string {
  const hex = hash('sha256', `moonhook local ${text}`);
  // Version 8: a hash of one's own choice (RFC 9562 §5.8).
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16);
  const uid = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  // A text made of parts of another keeps all of them: thousands are kept.
  return Buffer.from(uid, 'latin1').toString('latin1');
}

function objectOf(document: ConfigurationDocument): ReferencedObject {
  const { kind, name, file, line, entries, labels, type, hasErrors } = document;
  if (hasErrors === true) {
    return {
      state: 'problem',
      reason: `${kind}NotFound`,
      message: `${kind} "${name}" has errors, see ${file}:${line}`,
    };
  }
  return { state: 'found', labels, data: entries, ...(type === undefined ? {} : { type }) };
}

function fileObject(name: string, content: FileContent): ReferencedObject {
  if (content.kind === 'text') {
    return { state: 'found', labels: {}, data: new Map([['', Buffer.from(content.text, 'utf8')]]) };
  }
  const message = content.kind === 'refused' ? `${name} cannot be used: ${content.message}` : `${name} is not there`;
  return { state: 'problem', reason: 'FileUnreadable', message };
}

interface Overlay {
  readonly below: ReferencedObject | undefined;
  readonly secrets: ReadonlyMap<string, string>;
  readonly object: ReferencedObject;
}

function overlay(below: ReferencedObject | undefined, data: ReadonlyMap<string, Uint8Array>): ReferencedObject {
  const found = below?.state === 'found' ? below : undefined;
  return {
    ...(found ?? { state: 'found' }),
    labels: { ...found?.labels, [functionsLabel]: 'true' },
    data: new Map([...(found?.data ?? []), ...data]),
  };
}

/**
 * `a.b.c=…` is key `b.c` of Secret `a` and key `c` of Secret `a.b`, in every namespace: which is meant shows in the
 * reference. Such a value wins over the one of a document, and needs no label: the command line has named it.
 */
function addSecrets(
  references: Map<string, ReferencedObject>,
  namespaces: ReadonlySet<string>,
  secrets: ReadonlyMap<string, string>,
  overlays: Map<string, Overlay>,
): void {
  const bySecret = new Map<string, Map<string, Uint8Array>>();
  for (const [entry, value] of secrets) {
    for (let dot = entry.indexOf('.'); dot !== -1; dot = entry.indexOf('.', dot + 1)) {
      const name = entry.slice(0, dot);
      const data = bySecret.get(name) ?? new Map<string, Uint8Array>();
      data.set(entry.slice(dot + 1), Buffer.from(value, 'utf8'));
      bySecret.set(name, data);
    }
  }
  for (const namespace of namespaces) {
    for (const [name, data] of bySecret) {
      const key = referenceKey('Secret', namespace, name);
      const below = references.get(key);
      const before = overlays.get(key);
      const same = before?.below === below && before?.secrets === secrets;
      const object = same ? before.object : overlay(below, data);
      overlays.set(key, { below, secrets, object });
      references.set(key, object);
    }
  }
}
