/** The aggregated API as a part of a controller replica: who may ask, whom it asks, and how the API server finds it. */
import { groupOf, groupsLeftBy } from '../../policy/runtime-groups.ts';
import { createKubeReviews } from '../link/kube-reviews.ts';
import type { LinkedParts } from '../link/start-links.ts';
import type { PartContext } from '../run-controller.ts';
import { createAnswerer } from './answer-request.ts';
import { openApiListener } from './api-http.ts';
import { createRuntimes } from './ask-runtimes.ts';
import { createAuthorizer } from './authorize-user.ts';
import { followFrontProxy } from './follow-front-proxy.ts';
import type { ApiParts } from './handler.ts';
import { keepCaBundle } from './keep-ca-bundle.ts';
import { requestRefresh } from './request-refresh.ts';
import { askNamespace } from './namespace-of.ts';

/** A part of `runController`; the listener's port is for tests. */
export async function startAggregatedApi(
  context: PartContext,
  links: LinkedParts,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const { controller, client, clock, settings, log } = context;
  const stopping = new AbortController();
  const { signal } = stopping;
  const runtimes = createRuntimes(links.server, clock.random);
  const parts: ApiParts = {
    controller,
    runtimes,
    namespaceOf: (name) => askNamespace(client, name),
    groupsOf: (namespace) => {
      const linked = runtimes.groups();
      if (namespace === undefined) return linked;
      // No other group is asked of a namespace: its runtimes do not even learn that it exists.
      const left = groupsLeftBy(context.policy(), namespace.name);
      return [groupOf(context.policy(), namespace.name), ...left.filter((group) => linked.includes(group))];
    },
    onRefusedRows(group, rows) {
      context.countRefusedRows(rows);
      log.error('a runtime told of what it was not asked about: left out', { group, rows });
    },
    refresh: (standing) => requestRefresh(client, standing, clock.wallNow()),
    sleep: (milliseconds, aborted) => clock.sleep(milliseconds, aborted),
    wall: clock.wallNow,
    random: clock.random,
  };
  const authorize = createAuthorizer({
    reviewAccess: createKubeReviews(client).reviewAccess,
    now: clock.now,
    onTrouble: (message) => log.warn('what a user may do could not be asked', { error: message }),
  });
  let changed = (): void => undefined;
  const frontProxy = await followFrontProxy({
    client,
    clock,
    log,
    signal,
    onChanged: () => changed(),
  });
  const listener = await openApiListener({
    ...settings.api,
    certificate: links.certificates.current().serving,
    log,
    frontProxy: () => frontProxy.current(),
    answer: createAnswerer(parts, authorize),
    wall: clock.wallNow,
  });
  changed = listener.setFrontProxy;
  const stopCertificates = links.certificates.subscribe(({ serving }) => listener.setCertificate(serving));
  const bundle = keepCaBundle({
    client,
    clock,
    log,
    signal,
    authorities: () => links.certificates.current().authorities,
  });
  log.info('the aggregated API listens', { port: listener.port });
  return {
    port: listener.port,
    async close() {
      stopping.abort();
      stopCertificates();
      await listener.close();
      await bundle;
    },
  };
}
