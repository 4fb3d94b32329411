/** The event of a change in the cluster, as it is stored. */
import { createHash } from 'node:crypto';
import type { LuaInput } from '../../lua/types.ts';
import type { KubernetesTriggerEntry } from '../../routing/types.ts';
import type { StoredEvent } from '../../store/store.ts';
import type { StoredEventSource, EventAttributes } from '../stored-event.ts';
import type { ClusterEventName } from './judge-object.ts';

export interface ClusterEvent {
  readonly functionUid: string;
  readonly namespaceUid: string;
  readonly trigger: KubernetesTriggerEntry;
  readonly name: ClusterEventName;
  readonly uid: string;
  readonly version: string;
  /** Tells apart what is told again after history was taken back, or the trigger began anew. */
  readonly incarnation: string;
  /** Text of its JSON; undefined: nobody saw its last state. */
  readonly object: string | undefined;
  readonly namespace: string | undefined;
  readonly objectName: string;
  /** JSON of the last value of `changed`. */
  readonly previous: string | undefined;
}

/** `judged`: `changed` and `filter` have said yes, and are not asked again when it runs. */
export function storedClusterEvent(event: ClusterEvent, judged: boolean): StoredEvent {
  const { functionUid, trigger, name, uid, version, incarnation, namespace, objectName } = event;
  const { apiVersion, kind } = apiOf(trigger);
  const id = createHash('sha256')
    .update(JSON.stringify([functionUid, trigger.name, uid, version, name, incarnation]))
    .digest('base64url')
    .slice(0, 32);
  const attributes: EventAttributes = {
    name,
    subject: namespace === undefined ? objectName : `${namespace}/${objectName}`,
    // What somebody asks for who wants to know what became of the object.
    deliveryId: objectId(trigger, namespace, objectName),
    ...(judged ? { judged } : {}),
  };
  return {
    id: `k8s-${id}`,
    namespaceUid: event.namespaceUid,
    type: `dev.moonhook.kubernetes.${name}`,
    source: `/kubernetes/${apiVersion}/${kind}`,
    attributes: JSON.stringify(attributes),
    body: Buffer.from(bodyOf(event)),
  };
}

/** `Pod/team-a/web-0`, as `moonhook explain` takes it. */
export function objectId(trigger: KubernetesTriggerEntry, namespace: string | undefined, name: string): string {
  return [apiOf(trigger).kind, ...(namespace === undefined ? [] : [namespace]), name].join('/');
}

function bodyOf({ trigger, object, previous, uid, namespace, objectName }: ClusterEvent): string {
  const metadata = { uid, name: objectName, ...(namespace === undefined ? {} : { namespace }) };
  const shown = object ?? JSON.stringify({ ...apiOf(trigger), metadata });
  const past = previous === undefined ? '' : `,"previous":${previous}`;
  return `{"object":${shown}${past},"synthetic":${object === undefined}}`;
}

function apiOf({ spec }: KubernetesTriggerEntry): { readonly apiVersion: string; readonly kind: string } {
  return { apiVersion: String(spec['apiVersion']), kind: String(spec['kind']) };
}

/** What `filter` and `changed` of a kubernetes trigger see besides `event`. */
export function objectGlobals(source: StoredEventSource): Readonly<Record<string, LuaInput>> {
  const data = source.readEventData();
  return { object: member(data, 'object'), previous: member(data, 'previous') };
}

function member(value: LuaInput, name: string): LuaInput {
  if (value instanceof Map) return value.get(name) as LuaInput;
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, LuaInput>>)[name] : undefined;
}
