/** Objects that stand for a cluster while a draft is tried: read and written as the API server does it, in memory. */
import { parseAllDocuments } from 'yaml';
import { errorMessage } from '../failures/error-message.ts';
import { isObject } from '../function/is-object.ts';
import type { TryKubernetesCall } from '../console/try-types.ts';
import type { KubernetesAnswer, KubernetesArguments, KubernetesQuestion } from '../host/kubernetes-types.ts';
import { jsonPatch, mergePatch } from './json-patch.ts';
import { selects } from './select-labels.ts';

type Plain = Record<string, unknown>;

export interface ObjectTable {
  answer(question: KubernetesQuestion): KubernetesAnswer;
  /** In the order they were made. */
  readonly calls: readonly TryKubernetesCall[];
}

export type ReadObjects =
  | { readonly ok: true; readonly objects: readonly Plain[] }
  | { readonly ok: false; readonly message: string };

/** YAML or JSON: documents, a list of objects, or a Kubernetes List. */
export function readObjects(text: string): ReadObjects {
  const objects: Plain[] = [];
  for (const document of parseAllDocuments(text)) {
    const [broken] = document.errors;
    if (broken !== undefined) return { ok: false, message: `objects: ${broken.message}` };
    const value: unknown = document.toJS();
    if (value === null) continue;
    const items = Array.isArray(value) ? value : plain(value)['kind'] === 'List' ? plain(value)['items'] : [value];
    for (const item of Array.isArray(items) ? (items as unknown[]) : []) {
      const { apiVersion, kind, metadata } = plain(item);
      if (typeof apiVersion !== 'string' || typeof kind !== 'string' || typeof plain(metadata)['name'] !== 'string') {
        return { ok: false, message: 'objects: each needs apiVersion, kind and metadata.name' };
      }
      objects.push(plain(item));
    }
  }
  return { ok: true, objects };
}

/** `home`: the namespace of the function. */
export function createObjectTable(given: readonly Plain[], home: string): ObjectTable {
  const table = new Objects(home);
  for (const object of given) table.put(structuredClone(object));
  const calls: TryKubernetesCall[] = [];
  return {
    calls,
    answer: ({ operation, arguments: wanted }) => {
      const answer = answerOf(table, operation, wanted);
      const { apiVersion, kind, name, namespace = home, body } = wanted;
      calls.push({
        operation,
        apiVersion,
        kind,
        namespace,
        ...(name === undefined ? {} : { name }),
        ...(body === undefined ? {} : { body }),
        result: answer.ok ? 'ok' : (answer.reason ?? answer.message),
      });
      return answer;
    },
  };
}

/** Whatever a function sends: the process that tries it goes on. */
function answerOf(
  table: Objects,
  operation: KubernetesQuestion['operation'],
  wanted: KubernetesArguments,
): KubernetesAnswer {
  try {
    return table.answer(operation, wanted);
  } catch (error) {
    return refused(400, 'BadRequest', errorMessage(error));
  }
}

class Objects {
  readonly #home: string;
  readonly #byKey = new Map<string, Plain>();
  #version = 1;

  constructor(home: string) {
    this.#home = home;
  }

  answer(operation: KubernetesQuestion['operation'], wanted: KubernetesArguments): KubernetesAnswer {
    switch (operation) {
      case 'get':
        return this.#get(wanted);
      case 'list':
        return this.#list(wanted);
      case 'create':
        return this.#create(wanted);
      case 'update':
        return this.#change(wanted, (_old, sent) => sent);
      case 'patch':
        return this.#patch(wanted);
      case 'apply':
        if (this.#byKey.has(this.#key(wanted)))
          return this.#change(wanted, (old, sent) => plain(mergePatch(old, sent)));
        return this.#create(wanted);
      case 'delete':
        return this.#byKey.delete(this.#key(wanted))
          ? answerWith({ kind: 'Status', status: 'Success' })
          : missing(wanted);
      case 'logs':
        return this.#logs(wanted);
      default:
        return operation satisfies never;
    }
  }

  /** With the next version, under its own name. */
  put(object: Plain): Plain {
    const metadata = plain(object['metadata']);
    const { name, namespace } = metadata;
    const stored = { ...object, metadata: { ...metadata, resourceVersion: String(this.#version++) } };
    const place = typeof namespace === 'string' ? { namespace } : {};
    this.#byKey.set(
      this.#key({
        apiVersion: String(object['apiVersion']),
        kind: String(object['kind']),
        name: String(name),
        ...place,
      }),
      stored,
    );
    return stored;
  }

  #key({ apiVersion, kind, name = '', namespace = this.#home }: KubernetesArguments): string {
    return JSON.stringify([apiVersion, kind, namespace, name]);
  }

  #get(wanted: KubernetesArguments): KubernetesAnswer {
    const found = this.#byKey.get(this.#key(wanted));
    if (found === undefined) return missing(wanted);
    if (wanted.subresource === 'scale') return answerWith(scaleOf(found));
    return answerWith(shown(found, wanted.metadataOnly === true));
  }

  #list({
    apiVersion,
    kind,
    namespace = this.#home,
    labelSelector = '',
    metadataOnly,
  }: KubernetesArguments): KubernetesAnswer {
    const items = [...this.#byKey]
      .filter(([key, object]) => {
        const [version, of, place] = JSON.parse(key) as readonly string[];
        const labels = plain(plain(object['metadata'])['labels']);
        return version === apiVersion && of === kind && place === namespace && selects(labelSelector, labels);
      })
      .map(([, object]) => shown(object, metadataOnly === true));
    return answerWith({ apiVersion, kind: `${kind}List`, metadata: { resourceVersion: String(this.#version) }, items });
  }

  #create(wanted: KubernetesArguments): KubernetesAnswer {
    const sent = read(wanted.body);
    const metadata = plain(sent['metadata']);
    if (wanted.subresource === 'eviction') {
      return this.#byKey.delete(this.#key({ ...wanted, kind: 'Pod' }))
        ? answerWith({ status: 'Success' })
        : missing(wanted);
    }
    const generated =
      typeof metadata['generateName'] === 'string' ? `${metadata['generateName']}${this.#version}` : undefined;
    const name = wanted.name ?? metadata['name'] ?? generated;
    if (typeof name !== 'string') return refused(422, 'Invalid', `${wanted.kind} needs a name`);
    if (this.#byKey.has(this.#key({ ...wanted, name }))) {
      return refused(409, 'AlreadyExists', `${wanted.kind} "${name}" already exists`);
    }
    const { apiVersion, kind, namespace = this.#home } = wanted;
    return answerWith(
      shown(this.put({ ...sent, apiVersion, kind, metadata: { ...metadata, namespace, name } }), false),
    );
  }

  #change(wanted: KubernetesArguments, next: (old: Plain, sent: Plain) => Plain): KubernetesAnswer {
    const old = this.#byKey.get(this.#key(wanted));
    if (old === undefined) return missing(wanted);
    const sent = read(wanted.body);
    const { resourceVersion } = plain(sent['metadata']);
    const { apiVersion, kind, subresource } = wanted;
    if (resourceVersion !== undefined && resourceVersion !== plain(old['metadata'])['resourceVersion']) {
      return refused(409, 'Conflict', `${kind} "${wanted.name ?? ''}" was changed meanwhile`);
    }
    if (subresource === 'scale') {
      const replicas = plain(next(scaleOf(old), sent)['spec'])['replicas'];
      const scaled = this.put({ ...old, spec: { ...plain(old['spec']), replicas } });
      return answerWith(scaleOf(scaled));
    }
    const changed = next(old, sent);
    const { name, namespace } = plain(old['metadata']);
    const metadata = { ...plain(changed['metadata']), name, ...(namespace === undefined ? {} : { namespace }) };
    // The status is written through its subresource alone, and nothing else is.
    const written =
      subresource === 'status'
        ? { ...old, status: changed['status'] }
        : { ...changed, apiVersion, kind, metadata, ...(old['status'] === undefined ? {} : { status: old['status'] }) };
    return answerWith(shown(this.put(written), false));
  }

  #patch(wanted: KubernetesArguments): KubernetesAnswer {
    if (wanted.type !== 'json') return this.#change(wanted, (old, sent) => plain(mergePatch(old, sent)));
    const old = this.#byKey.get(this.#key(wanted));
    if (old === undefined) return missing(wanted);
    const patched = jsonPatch(shown(old, false), JSON.parse(wanted.body ?? '[]'));
    if (!patched.ok) return refused(422, 'Invalid', patched.message);
    return this.#change({ ...wanted, body: '{}' }, () => plain(patched.value));
  }

  #logs(wanted: KubernetesArguments): KubernetesAnswer {
    const pod = this.#byKey.get(this.#key(wanted));
    if (pod === undefined) return missing(wanted);
    const lines = (typeof pod['log'] === 'string' ? pod['log'] : '').split('\n');
    const ended = lines.at(-1) === '' ? lines.slice(0, -1) : lines;
    return { ok: true, text: ended.slice(-(wanted.tail ?? 100)).join('\n') };
  }
}

/** `log` is ours: what `k8s.logs` reads of a Pod. */
function shown(stored: Plain, metadataOnly: boolean): Plain {
  const object = { ...stored };
  delete object['log'];
  if (!metadataOnly) return object;
  return { apiVersion: object['apiVersion'], kind: object['kind'], metadata: object['metadata'] };
}

function scaleOf(object: Plain): Plain {
  const { replicas } = plain(object['spec']);
  return {
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata: object['metadata'],
    spec: { replicas: replicas ?? 1 },
  };
}

const answerWith = (value: unknown): KubernetesAnswer => ({ ok: true, text: JSON.stringify(value) });

function refused(status: number, reason: string, message: string): KubernetesAnswer {
  return { ok: false, status, reason, message };
}

function missing({ kind, name = '' }: KubernetesArguments): KubernetesAnswer {
  return refused(404, 'NotFound', `${kind} "${name}" is not among the objects of the try`);
}

function read(body: string | undefined): Plain {
  return plain(JSON.parse(body ?? '{}') as unknown);
}

function plain(value: unknown): Plain {
  return isObject(value) ? value : {};
}
