/** The links as a part of a controller replica: certificates, reviews, the server, and which pods are gone. */
import type { Answer } from '../../link/exchange.ts';
import { systemClock } from '../../link/system-clock.ts';
import { resourcePath } from '../kube-answer.ts';
import type { KubeObject } from '../kube-object.ts';
import { keepCertificates, type KeptCertificates } from '../certificates/keep-certificates.ts';
import { createHostCalls } from '../host-calls/answer-calls.ts';
import { createAccountCheck } from '../host-calls/confirm-account.ts';
import { createKindBook } from '../host-calls/discover-kinds.ts';
import { createCallGate } from '../host-calls/limit-calls.ts';
import { countWatch } from '../counted-watch.ts';
import { groupsByAccount } from '../group-names.ts';
import { createOwnServices } from '../own-services.ts';
import { startReflector } from '../reflector.ts';
import type { PartContext } from '../run-controller.ts';
import { clusterNamespaces } from '../start-controller.ts';
import { createGoneNamespaces } from './gone-namespaces.ts';
import { createGroupServices, leaseServices } from './lease-services.ts';
import { createKubeReviews } from './kube-reviews.ts';
import { createLinkServer, type LinkServer } from './link-server.ts';
import { createInstallationName } from './name-installation.ts';
import { createCallReviews } from './review-call.ts';

/** Audience of tokens for active calls and published events. */
const callAudience = 'moonhook';

const servicesMs = 5_000;

/** What other parts of the controller are made of. */
export interface LinkedParts {
  readonly server: LinkServer;
  readonly certificates: {
    current(): KeptCertificates;
    /** Called with each new one; answers what stops it. */
    subscribe(listener: (certificates: KeptCertificates) => void): () => void;
  };
}

/** A part of `runController`. */
export async function startLinks(context: PartContext): Promise<LinkedParts & { close(): Promise<void> }> {
  const { controller, client, clock, settings, log, policy } = context;
  const { namespace, installation, runtimeServiceAccount } = settings;
  const stopping = new AbortController();
  const reviews = createKubeReviews(client);
  const service = `${installation}-link.${namespace}.svc`;
  const api = `${installation}-api.${namespace}.svc`;
  const listeners = new Set<(certificates: KeptCertificates) => void>();
  let kept = await keepCertificates({
    client,
    clock,
    log,
    namespace,
    secret: `${installation}-certificates`,
    configMap: `${installation}-ca`,
    names: [service, `${service}.cluster.local`, `${installation}-link`, api],
    signal: stopping.signal,
    onChanged: (next) => {
      kept = next;
      server.setCertificate(next.serving);
      for (const listener of listeners) listener(next);
    },
  });
  const review = createCallReviews({
    reviews,
    audience: callAudience,
    onTrouble: (message) => log.warn('a caller could not be reviewed', { error: message }),
  });
  const hostCall = createHostCalls({
    client,
    table: controller.table,
    acknowledgements: () => server,
    kinds: createKindBook(client, clock.now),
    confirmAccount: createAccountCheck(client, clock.now),
    gate: createCallGate(clock.now),
    count: context.countCall,
    after: systemClock.after,
    onStranger: (podUid, functionUid, why) =>
      log.warn('a runtime made a Kubernetes call for a function that is not its own', { podUid, functionUid, why }),
  });
  const nameInstallation = createInstallationName({ client, namespace, installation });
  const goneNamespaces = createGoneNamespaces({ client, namespace, now: clock.now });
  const services = createOwnServices({
    client,
    clock,
    closed: new Set([namespace, ...clusterNamespaces]),
    report: countWatch('services', log).report,
  });
  const servicesOf = createGroupServices();
  // A runtime that comes back finds as much open as before; an API server that does not answer is not waited for.
  await Promise.race([services.known(policy()), clock.sleep(servicesMs, stopping.signal)]);
  const server = await createLinkServer({
    ...settings.link,
    certificate: kept.serving,
    controller: settings.pod,
    accounts: {
      audience: settings.linkAudience,
      namespace,
      // A group that is new has its own account from the first look on.
      get groups() {
        return groupsByAccount(runtimeServiceAccount, policy().runtimeGroups);
      },
    },
    reviewToken: reviews.reviewToken,
    source: controller.table,
    leadership: controller.leadership,
    policy() {
      const current = policy();
      services.follow(current);
      return current;
    },
    answer: (topic, body, from, signal) => {
      switch (topic) {
        case 'review':
          return review(body, from.podUid);
        case 'kubernetes':
          return hostCall(body, from, signal);
        case 'namespaces':
          return goneNamespaces(body);
        case 'installation':
          return nameInstallation(from.group);
        case 'services':
          return Promise.resolve(
            leaseServices(() => servicesOf(services.current(policy()), policy(), from.group), body),
          );
        default:
          return unsupported('an unknown topic');
      }
    },
    clock: { ...systemClock, wall: clock.wallNow },
    log,
  });
  controller.listenTo(server);
  const pods = startReflector({
    client,
    clock,
    collection: {
      path: resourcePath({ apiVersion: 'v1', resource: 'pods', namespace }),
      labelSelector: 'app.kubernetes.io/component in (runtime,runtime-group)',
    },
    // Nothing of a pod is needed but who it is.
    keep: ({ metadata: { name, uid, resourceVersion } }): KubeObject => ({ metadata: { name, uid, resourceVersion } }),
    listener: {
      onChanges(changes) {
        for (const { kind, object } of changes) if (kind === 'delete') server.podGone(object.metadata.uid);
      },
      onSynced: () => undefined,
      onFault: (error) => log.error('the watch of the runtimes', { error: String(error) }),
    },
  });
  return {
    server,
    certificates: {
      current: () => kept,
      subscribe(listener) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    },
    async close() {
      stopping.abort();
      await Promise.all([pods.stop(), services.stop(), server.close()]);
    },
  };
}

function unsupported(message: string): Promise<Answer> {
  return Promise.resolve({ ok: false, code: 'Unsupported', message });
}
