/** Reads what a runtime asks for a function: every member checked, because the runtime may be in strange hands. */
import { isObject } from '../../function/is-object.ts';
import { kubernetesBodyCap, type KubernetesArguments, type KubernetesQuestion } from '../../host/kubernetes-types.ts';

/** A question as it comes over the link. */
export interface KubernetesCall extends KubernetesQuestion {
  /** Uid of the function. */
  readonly function: string;
}

export type CallReading =
  | { readonly ok: true; readonly call: KubernetesCall }
  | { readonly ok: false; readonly problem: string };

const operations = ['get', 'list', 'create', 'update', 'patch', 'delete', 'apply', 'logs'] as const;
const identifier = /^[A-Za-z0-9._:/+=-]{1,256}$/;
const dnsLabel = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const apiVersionPattern = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const kindPattern = /^[A-Za-z][A-Za-z0-9]{0,62}$/;
/** Names of roles may hold colons; none holds a slash, a percent sign or two dots in a row. */
const namePattern = /^(?!.*\.\.)[A-Za-z0-9]([-A-Za-z0-9._:]{0,251}[A-Za-z0-9])?$/;
/** Printable ASCII: it goes into a query, encoded. */
const textPattern = /^[\u0020-\u007e]*$/;

const knownArguments =
  'apiVersion kind name namespace subresource body type labelSelector metadataOnly limit continue container previous tail'.split(
    ' ',
  );

class Misread extends Error {}

export function readKubernetesCall(body: unknown): CallReading {
  try {
    return { ok: true, call: readCall(body) };
  } catch (error) {
    if (error instanceof Misread) return { ok: false, problem: error.message };
    throw error;
  }
}

function readCall(body: unknown): KubernetesCall {
  const members = object(body, 'the question', ['function', 'revision', 'callId', 'operation', 'arguments']);
  const operation = operations.find((each) => each === members['operation']);
  if (operation === undefined) throw new Misread('the operation is unknown');
  return {
    function: text(members, 'function', identifier),
    revision: text(members, 'revision', identifier),
    callId: text(members, 'callId', identifier),
    operation,
    arguments: readArguments(members['arguments']),
  };
}

function readArguments(value: unknown): KubernetesArguments {
  const members = object(value, 'arguments', knownArguments);
  return {
    apiVersion: text(members, 'apiVersion', apiVersionPattern),
    kind: text(members, 'kind', kindPattern),
    ...optional(members, 'name', namePattern),
    ...optional(members, 'namespace', dnsLabel),
    ...optional(members, 'subresource', dnsLabel),
    ...optional(members, 'type', dnsLabel),
    ...optional(members, 'labelSelector', textPattern, 4_096),
    ...optional(members, 'continue', textPattern, 16_384),
    ...optional(members, 'container', dnsLabel),
    ...bodyOf(members),
    ...flag(members, 'metadataOnly'),
    ...flag(members, 'previous'),
    ...count(members, 'limit', 1_000),
    ...count(members, 'tail', 10_000),
  };
}

type Members = Readonly<Record<string, unknown>>;

/** Members nobody knows are refused: an identity has no place here. */
function object(value: unknown, what: string, known: readonly string[]): Members {
  if (!isObject(value)) throw new Misread(`${what} is no object`);
  if (Object.keys(value).some((name) => !known.includes(name))) throw new Misread(`${what} has an unknown member`);
  return value;
}

function text(members: Members, name: string, pattern: RegExp, longest = 512): string {
  const value = members[name];
  if (typeof value !== 'string' || value.length > longest || !pattern.test(value)) {
    throw new Misread(`${name} is not well formed`);
  }
  return value;
}

function optional<Name extends string>(
  members: Members,
  name: Name,
  pattern: RegExp,
  longest?: number,
): { [Key in Name]?: string } {
  if (members[name] === undefined) return {};
  return { [name]: text(members, name, pattern, longest) } as { [Key in Name]?: string };
}

function bodyOf({ body }: Members): { readonly body?: string } {
  if (body === undefined) return {};
  if (typeof body !== 'string') throw new Misread('body is no text');
  if (Buffer.byteLength(body) > kubernetesBodyCap) throw new Misread(`body is longer than ${kubernetesBodyCap} bytes`);
  return { body };
}

function flag<Name extends string>(members: Members, name: Name): { [Key in Name]?: boolean } {
  const value = members[name];
  if (value === undefined) return {};
  if (typeof value !== 'boolean') throw new Misread(`${name} is neither true nor false`);
  return { [name]: value } as { [Key in Name]?: boolean };
}

function count<Name extends string>(members: Members, name: Name, most: number): { [Key in Name]?: number } {
  const value = members[name];
  if (value === undefined) return {};
  if (!Number.isSafeInteger(value) || (value as number) < 1 || (value as number) > most) {
    throw new Misread(`${name} is no count from 1 to ${most}`);
  }
  return { [name]: value } as { [Key in Name]?: number };
}
