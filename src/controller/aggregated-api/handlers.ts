/** Which handler answers which verb of which resource; discovery lists the same, and a test compares them. */
import { cancel, ping, refresh, replay, replayStatus } from './act-resources.ts';
import { getCall, listCalls, readLogs, watchCalls } from './call-resources.ts';
import { deleteDelivery, getDelivery, listDeliveries } from './delivery-resources.ts';
import { deleteKey, explainId, explainRequest, invoke, publish, readKeys, setKey } from './function-resources.ts';
import type { Handler } from './handler.ts';
import { readPayloads } from './past-event-resources.ts';
import type { Verb } from './read-path.ts';
import { getRoute, getRuntime, getStanding, listRoutes, listRuntimes, listStandings } from './standing-resources.ts';
import { watchDeliveries } from './watch-deliveries.ts';

/** By resource, or resource and subresource. */
export const handlers: Readonly<Record<string, Partial<Readonly<Record<Verb, Handler>>>>> = {
  calls: { get: getCall, list: listCalls, watch: watchCalls },
  deadletters: {
    get: getDelivery('DeadLetter'),
    list: listDeliveries('DeadLetter'),
    watch: watchDeliveries('DeadLetter'),
    delete: deleteDelivery('DeadLetter'),
  },
  deliveries: {
    get: getDelivery('Delivery'),
    list: listDeliveries('Delivery'),
    watch: watchDeliveries('Delivery'),
    delete: deleteDelivery('Delivery'),
  },
  events: { create: publish },
  functions: { get: getStanding('WebhookFunction'), list: listStandings('WebhookFunction') },
  'functions/cancel': { create: cancel('function') },
  'functions/explain': { get: explainId, create: explainRequest },
  'functions/invoke': { create: invoke },
  'functions/kv': { get: readKeys, update: setKey, delete: deleteKey },
  'functions/logs': { get: readLogs },
  'functions/records': { get: readPayloads },
  'functions/refresh': { create: refresh },
  'functions/replay': { get: replayStatus, create: replay('function') },
  routes: { get: getRoute, list: listRoutes },
  runtimes: { get: getRuntime, list: listRuntimes },
  subscriptions: { get: getStanding('WebhookSubscription'), list: listStandings('WebhookSubscription') },
  'subscriptions/cancel': { create: cancel('subscription') },
  'subscriptions/ping': { create: ping },
  'subscriptions/replay': { get: replayStatus, create: replay('subscription') },
};
