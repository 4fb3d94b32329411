/** Reads what a function refers to: Secrets, ConfigMaps, its ServiceAccount, local files. Consent is checked at each use. */
import { createHmac } from 'node:crypto';
import { compareTexts } from '../function/compare-texts.ts';
import type { KeyReference } from '../function/types.ts';
import { notResolved } from './problem.ts';
import type { Problem, ReferencedObject } from './types.ts';

export type ReferenceKind = 'Secret' | 'ConfigMap' | 'ServiceAccount';

/** By `referenceKey` or `fileKey`. An object that is not there does not exist. */
export interface References {
  get(key: string): ReferencedObject | undefined;
  /** Keys that may stand for something else than they did in those; undefined, or absent: nobody knows. */
  changedSince?(before: References): readonly string[] | undefined;
}

/** Key of a cluster object in `References`. */
export function referenceKey(kind: ReferenceKind, namespace: string, name: string): string {
  return `${kind}/${namespace}/${name}`;
}

/** Key of a local file in `References`: paths are relative to the function's own file, so the function is part of it. */
export function fileKey(namespace: string, functionName: string, path: string): string {
  return `File/${namespace}/${functionName}/${path}`;
}

/** On a ServiceAccount or Secret: functions of its namespace may use it. */
export const functionsLabel = 'moonhook.dev/functions';
/** On a ConfigMap: functions of its namespace may run code from it. */
export const codeLabel = 'moonhook.dev/code';

/** Types of Secrets that are never given to a function: tokens of accounts and nodes, releases of Helm. */
const refusedSecretTypes: ReadonlySet<string> = new Set([
  'kubernetes.io/service-account-token',
  'bootstrap.kubernetes.io/token',
  'helm.sh/release.v1',
]);

type Found = Extract<ReferencedObject, { state: 'found' }>;
export type Read<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem };

export interface ReferenceReader {
  secretValue(reference: KeyReference, path: string): Read<Uint8Array>;
  configValue(reference: KeyReference, path: string, use: 'code' | 'env'): Read<Uint8Array>;
  secret(name: string, path: string): Read<Found>;
  configMap(name: string, path: string, use: 'code' | 'env'): Read<Found>;
  serviceAccount(name: string, path: string): Problem | undefined;
  file(name: string, path: string): Read<Uint8Array>;
  /** Everything that was looked up, for a later build to compare. */
  readonly seen: ReadonlyMap<string, ReferencedObject | undefined>;
  /** Versions of the secrets that were read: part of the revision, in place of their values. */
  readonly secretVersions: ReadonlyMap<string, string>;
  readonly warnings: readonly string[];
}

/** Reads on behalf of one function. */
export function createReferenceReader(options: {
  readonly references: References;
  readonly namespace: string;
  readonly functionName: string;
  readonly mode: 'cluster' | 'local';
  /** Keys the fingerprint of secrets whose source has no versions. */
  readonly fingerprintKey: Uint8Array;
}): ReferenceReader {
  const { references, namespace, functionName, mode, fingerprintKey } = options;
  const seen = new Map<string, ReferencedObject | undefined>();
  const secretVersions = new Map<string, string>();
  const warnings: string[] = [];

  function look(key: string): ReferencedObject | undefined {
    const object = references.get(key);
    seen.set(key, object);
    return object;
  }

  function find(kind: ReferenceKind, name: string, path: string): Read<Found> {
    const object = look(referenceKey(kind, namespace, name));
    if (object === undefined) {
      const hint =
        mode === 'local'
          ? `add a document of kind ${kind}${kind === 'Secret' ? ' or use --env-file' : ''}`
          : `create it`;
      return refused(`${kind}NotFound`, path, `${kind} "${name}" does not exist in namespace ${namespace}: ${hint}`);
    }
    if (object.state === 'problem') return refused(object.reason, path, object.message);
    return { ok: true, value: object };
  }

  /** Without the label: refused in a cluster, a warning on one machine. */
  function consent(object: Found, kind: ReferenceKind, name: string, label: string, path: string): Problem | undefined {
    if (object.labels[label] === 'true') return undefined;
    const command = `kubectl label ${kind.toLowerCase()} ${name} -n ${namespace} ${label}=true`;
    const message = `${kind} "${name}" does not carry the label ${label}: "true" that lets functions use it; run: ${command}`;
    if (mode === 'cluster') return notResolved('NotConsented', path, message);
    const warning = `${path}: in a cluster this would not work: ${message}`;
    if (!warnings.includes(warning)) warnings.push(warning);
    return undefined;
  }

  function pick(object: Found, kind: ReferenceKind, reference: KeyReference, path: string): Read<Uint8Array> {
    const value = object.data.get(reference.key);
    if (value !== undefined) return { ok: true, value };
    const keys = [...object.data.keys()].sort().join(', ');
    const message = `${kind} "${reference.name}" has no key "${reference.key}"; it has ${keys === '' ? 'none' : keys}`;
    return refused(`${kind}KeyNotFound`, path, message);
  }

  function secret(name: string, path: string): Read<Found> {
    const found = find('Secret', name, path);
    if (!found.ok) return found;
    if (found.value.type !== undefined && refusedSecretTypes.has(found.value.type)) {
      const message = `Secret "${name}" is of type ${found.value.type}, which functions never get; copy what is needed into one of type Opaque`;
      return refused('SecretTypeRefused', path, message);
    }
    const problem = consent(found.value, 'Secret', name, functionsLabel, path);
    if (problem !== undefined) return { ok: false, problem };
    return found;
  }

  function configMap(name: string, path: string, use: 'code' | 'env'): Read<Found> {
    const found = find('ConfigMap', name, path);
    if (!found.ok || use === 'env') return found;
    const problem = consent(found.value, 'ConfigMap', name, codeLabel, path);
    return problem === undefined ? found : { ok: false, problem };
  }

  function note(name: string, object: Found, key: string | undefined): void {
    const version = object.resourceVersion ?? fingerprint(fingerprintKey, object, key);
    secretVersions.set(key === undefined ? name : `${name}/${key}`, version);
  }

  return {
    seen,
    secretVersions,
    warnings,
    secret(name, path) {
      const found = secret(name, path);
      if (found.ok) note(name, found.value, undefined);
      return found;
    },
    configMap,
    secretValue(reference, path) {
      const found = secret(reference.name, path);
      if (!found.ok) return found;
      note(reference.name, found.value, reference.key);
      return pick(found.value, 'Secret', reference, path);
    },
    configValue(reference, path, use) {
      const found = configMap(reference.name, path, use);
      return found.ok ? pick(found.value, 'ConfigMap', reference, path) : found;
    },
    serviceAccount(name, path) {
      // One machine without a cluster has no accounts to look up.
      if (mode === 'local') return undefined;
      const found = find('ServiceAccount', name, path);
      return found.ok ? consent(found.value, 'ServiceAccount', name, functionsLabel, path) : found.problem;
    },
    file(name, path) {
      const object = look(fileKey(namespace, functionName, name));
      if (object === undefined) return refused('FileNotFound', path, `the file "${name}" does not exist`);
      if (object.state === 'problem') return refused(object.reason, path, object.message);
      const bytes = object.data.get('');
      if (bytes === undefined) return refused('FileNotFound', path, `the file "${name}" was not read`);
      return { ok: true, value: bytes };
    },
  };
}

function refused<T>(reason: string, path: string, message: string): Read<T> {
  return { ok: false, problem: notResolved(reason, path, message) };
}

/** Keyed: a revision is public, and an unkeyed hash of a weak secret could be guessed from it. */
function fingerprint(key: Uint8Array, object: Found, only: string | undefined): string {
  const hmac = createHmac('sha256', key);
  for (const [name, value] of [...object.data].sort(([a], [b]) => compareTexts(a, b))) {
    if (only !== undefined && name !== only) continue;
    hmac.update(`${name.length}:${name}:${value.length}:`).update(value);
  }
  return hmac.digest('base64url');
}
