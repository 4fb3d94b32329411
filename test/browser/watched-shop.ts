/** A small shop with everything the console watches: functions that work, fail and wait, a subscriber that is down, schedules. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { startConsole, type ConsoleFixture } from './start-console.ts';

export interface WatchedShop extends ConsoleFixture {
  /** What the subscriber answers. */
  readonly subscriber: { status: number; body: string };
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Response>;
}

export const signingSecret = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';
const formerSecret = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWA=';

export async function startShop(context: TestContext): Promise<WatchedShop> {
  const subscriber = { status: 503, body: 'closed for the night' };
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(subscriber.status).end(subscriber.body));
  });
  const port = await listen(server);
  const local = await startConsole(context, {
    files: { 'shop.yaml': shop(port) },
    options: { egressAllow: ['127.0.0.1/32'] },
  });
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const post: WatchedShop['post'] = (path, body, headers = {}) =>
    local.fetch(path, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
    });
  return { ...local, subscriber, post };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

const shop = (port: number): string => `apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: orders, namespace: shop }
spec:
  code: |
    return function(event)
      if not kv.get("open") then error(fail(event.data.why or "the shop is closed")) end
      log.info("booked", { id = event.data.id })
    end
  triggers:
    - { name: paid, http: { path: paid, mode: async, receiver: { open: {} } } }
---
apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: prices, namespace: shop }
spec:
  code: |
    return function(event)
      log.info(event.data.say or "asked")
      log.warn("prices are old")
      return { status = 200, json = { price = 12 } }
    end
  triggers:
    - { name: web, http: { path: prices, receiver: { open: {} } } }
---
apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: invoices, namespace: shop }
spec:
  code: |
    return function(event)
      events.publish(event.data.type or "shop.invoice.created", { id = 7 })
      return "sent"
    end
  triggers:
    - { name: web, http: { path: invoices, receiver: { open: {} } } }
---
apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: pushes, namespace: shop }
spec:
  code: return function(event) return "pushed" end
  triggers:
    - { name: push, http: { path: gh, receiver: { github: { secretRefs: [{ name: keys, key: github }] } } } }
---
apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: nightly, namespace: shop }
spec:
  code: return function() log.info("tick") end
  triggers:
    - { name: monthly, schedule: { cron: "0 3 1 * *", timeZone: Europe/Berlin } }
---
apiVersion: moonhook.dev/v1alpha1
kind: WebhookSubscription
metadata: { name: accounting, namespace: shop }
spec:
  url: http://127.0.0.1:${port}/hook
  events: ["shop.invoice.*"]
  retry: { schedule: [1h] }
  secretRefs: [{ name: keys, key: now }, { name: keys, key: former }]
---
apiVersion: v1
kind: Secret
metadata: { name: keys, namespace: shop }
stringData:
  github: 0123456789abcdef0123456789abcdef
  now: ${signingSecret}
  former: ${formerSecret}
`;
