/**
 * Makes a new function in a cluster, and a Secret beside it where it needs one; never over anything that is there. Both are
 * created, not applied: an apply would change a function of that name which somebody else made a moment before.
 */
import { parse } from 'yaml';
import type { CreateOrder, CreateResult } from '../console/editing-source.ts';
import { resourcePath } from '../controller/kube-answer.ts';
import type { ClusterDesk } from './ask-cluster.ts';
import { fieldManager } from './cluster-functions.ts';
import { exitCodes } from './exit-codes.ts';
import type { PlainObject } from './run-client.ts';
import { newFunction, type NewSecret } from './starting-points.ts';

const apiVersion = 'moonhook.dev/v1alpha1';
const namePattern = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

type Desk = Pick<ClusterDesk, 'ask'>;

export async function createInCluster(
  desk: Desk,
  { name, from, secret, namespace = '' }: CreateOrder,
): Promise<CreateResult> {
  const refused = (message: string): CreateResult => ({ kind: 'refused', message });
  for (const each of [name, namespace]) {
    if (!namePattern.test(each)) {
      return refused(`${JSON.stringify(each)} is not a name: use a-z, 0-9 and -, at most 63`);
    }
  }
  const made = newFunction(from, name, secret);
  if (made === undefined) return refused(`there is no starting point "${from}"`);
  const resources = resourcePath({ apiVersion, resource: 'webhookfunctions', namespace });
  // Looked at first, so that no secret is written for a function that cannot be.
  const there = await desk.ask({ path: `${resources}/${name}` });
  if (there.ok) return refused(`there is a function ${namespace}/${name} already`);
  if (there.exitCode !== exitCodes.notFound) return refused(there.message);
  const values = made.secrets.filter((each): each is Required<NewSecret> => each.value !== undefined);
  const query = { fieldManager, fieldValidation: 'Strict' };
  const secrets = resourcePath({ apiVersion: 'v1', resource: 'secrets', namespace });
  // Secrets first: the function is whole as soon as it is seen.
  if (values.length > 0) {
    const written = await desk.ask({ method: 'POST', path: secrets, query, body: secretOf(name, values) });
    if (!written.ok)
      return refused(`the Secret ${namespace}/${name} was not made, and so no function: ${written.message}`);
  }
  const resource = parse(made.yaml) as PlainObject;
  const body = { ...resource, metadata: { ...(resource['metadata'] as object), namespace } };
  const created = await desk.ask({ method: 'POST', path: resources, query, body });
  if (!created.ok) {
    if (values.length > 0) await desk.ask({ method: 'DELETE', path: `${secrets}/${name}` });
    return refused(created.message);
  }
  return {
    kind: 'created',
    namespace,
    name,
    place: `${namespace}/${name}`,
    secrets: made.secrets.map(({ name: own, key, value }) => ({
      name: `${own}.${key}`,
      ...(value === undefined ? {} : { value }),
    })),
    ...(values.length === 0 ? {} : { secretPlace: { kind: 'secret', name: `${namespace}/${name}` } }),
  };
}

/** Only what carries the label is read for functions. */
function secretOf(name: string, values: readonly Required<NewSecret>[]): PlainObject {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, labels: { 'moonhook.dev/functions': 'true' } },
    stringData: Object.fromEntries(values.map(({ key, value }) => [key, value])),
  };
}
