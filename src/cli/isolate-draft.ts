/** Makes a draft ready to be tried: the function alone, one trigger of it, answered at once, with placeholders for secrets. */
import { parseAllDocuments } from 'yaml';
import type { Draft } from '../console/console-source.ts';
import { newSecret } from './secret-placeholder.ts';

type Plain = Record<string, unknown>;

const forgotten = ['ackAfter', 'publish', 'rate', 'dedup', 'debounce', 'concurrency', 'retry'];

/** Why a draft cannot be tried; the message says what to do. */
export class TryRefused extends Error {}

/** The function of the draft, and what configures it in the same file: nothing else of the file is tried. */
export function findResource(
  draft: Pick<Draft, 'yaml'>,
  namespace: string,
  name: string,
): { readonly resource: Plain; readonly configuration: readonly Plain[] } {
  const documents = parseAllDocuments(draft.yaml);
  const broken = documents.find(({ errors }) => errors.length > 0)?.errors[0];
  if (broken !== undefined) throw new TryRefused(broken.message);
  const objects = documents.map((document) => document.toJS() as Plain | null).filter((object) => object !== null);
  const nameOf = ({ metadata }: Plain): string => {
    const { namespace: own = 'default', name: called } = (metadata ?? {}) as Plain;
    return `${String(own)}/${String(called)}`;
  };
  const resource = objects.find(
    (object) => object['kind'] === 'WebhookFunction' && nameOf(object) === `${namespace}/${name}`,
  );
  if (resource === undefined) throw new TryRefused(`the text holds no WebhookFunction ${namespace}/${name}`);
  const configuration = objects.filter(({ kind }) => kind === 'ConfigMap');
  return { resource, configuration };
}

/** One trigger alone, answered at once: no schedule fires beside it, nothing waits. True: it is an HTTP trigger. */
export function isolate(spec: Plain, trigger: string | undefined): boolean {
  const triggers = (Array.isArray(spec['triggers']) ? spec['triggers'] : []) as Plain[];
  const chosen = triggers.find((each) => each['name'] === trigger);
  if (trigger !== undefined && chosen === undefined) throw new TryRefused(`there is no trigger "${trigger}"`);
  const http = chosen?.['http'] as Plain | undefined;
  delete spec['suspend'];
  // Whose rights it has is decided in the cluster; the schema asks for a name beside a kubernetes trigger.
  if (chosen?.['kubernetes'] === undefined) delete spec['serviceAccountName'];
  if (chosen === undefined || http === undefined) {
    const schedule = chosen?.['schedule'] as Plain | undefined;
    // What is due on a leap day only does not fire beside the try.
    if (schedule !== undefined) spec['triggers'] = [{ ...chosen, schedule: { ...schedule, cron: '0 0 29 2 *' } }];
    else if (chosen === undefined) delete spec['triggers'];
    else spec['triggers'] = [chosen];
    return false;
  }
  for (const field of forgotten) {
    delete http[field];
    delete chosen[field];
  }
  spec['triggers'] = [{ ...chosen, http: { ...http, mode: 'sync' } }];
  return true;
}

/** An entry of a Secret that a draft names. */
export interface DraftSecret {
  readonly name: string;
  readonly key: string;
  readonly value: string;
}

/** A value for every key of a Secret that the resource names: one that was typed in, else one in the form of its sender. */
export function secretsOf(resource: Plain, given: Readonly<Record<string, string>>): readonly DraftSecret[] {
  const found = new Map<string, DraftSecret>();
  const walk = (value: unknown, key: string, receiver: string): void => {
    if (Array.isArray(value)) for (const each of value) walk(each, key, receiver);
    else if (typeof value === 'object' && value !== null) {
      const { name, key: entry } = value as Plain;
      if (/Refs?$/.test(key) && !key.startsWith('configMap') && typeof name === 'string' && typeof entry === 'string') {
        const own = `${name}.${entry}`;
        const value = Object.hasOwn(given, own) ? (given[own] ?? '') : newSecret(receiver);
        found.set(JSON.stringify([name, entry]), { name, key: entry, value });
      }
      for (const [member, each] of Object.entries(value)) walk(each, member, key === 'receiver' ? member : receiver);
    }
  };
  walk(resource['spec'], 'spec', '');
  return [...found.values()];
}
