/**
 * Keeps a runtime from working with a store that belongs to another installation: a volume or database that was restored,
 * copied or named by mistake. Nothing is served before it is known; what is refused says whose it is and what to do.
 */
import type { Answer } from '../link/exchange.ts';
import type { Store } from '../store/store.ts';

export interface StoreGuard {
  /** Rejects with the reason where the store is not, or may not be, this installation's. */
  admit(): Promise<void>;
  /** It was let in, and is not asked about again. */
  readonly admitted: boolean;
  /** Why not; undefined: it is ours, or was not asked yet. */
  readonly refusal: string | undefined;
}

export interface StoreGuardOptions {
  readonly store: Pick<Store, 'owner'>;
  /** Asks a controller which installation this is. */
  ask(): Promise<Answer>;
  /** The owner whose store may be taken over: an operator has said so. */
  readonly adopt?: string;
  /** What this pod was told before its process began anew; kept where only this pod can read. */
  readonly memory?: { read(): Promise<string | undefined>; write(owner: string): Promise<void> };
  onRefused(message: string): void;
  onAdopted(from: string, owner: string): void;
}

/** In the memory: it was nobody's. */
const nobody = '';

export function createStoreGuard(options: StoreGuardOptions): StoreGuard {
  const { store, adopt, memory } = options;
  let admitted = false;
  let refusal: string | undefined;

  function refuse(message: string): never {
    if (refusal !== message) options.onRefused(message);
    refusal = message;
    throw new Error(message);
  }

  async function take(owner: string): Promise<void> {
    const before = await store.owner();
    const now =
      before === owner ? before : await store.owner({ owner, ...(adopt === undefined ? {} : { from: adopt }) });
    if (now !== owner) {
      refuse(
        `the store belongs to ${now ?? 'nobody'} and this is ${owner}: nothing is served from it. Name the store of this installation; or, if a backup is to live on here, set MOONHOOK_STORE_ADOPT=${now ?? ''} (\`store.adopt\` of the chart), or run \`moonhook store adopt\``,
      );
    }
    if (before !== undefined && before !== owner) options.onAdopted(before, owner);
    await memory?.write(owner);
    admitted = true;
    refusal = undefined;
  }

  return {
    async admit() {
      if (admitted) return;
      const answer = await options.ask();
      const owner = answer.ok ? readOwner(answer.body) : undefined;
      if (owner !== undefined) return take(owner);
      // A controller of the version before does not know the question.
      if (!answer.ok && answer.code === 'Unsupported') {
        await memory?.write((await store.owner()) ?? nobody);
        admitted = true;
        return undefined;
      }
      // Without a controller: as this pod was told before.
      const known = await memory?.read();
      if (known !== undefined && known === ((await store.owner()) ?? nobody)) return undefined;
      throw new Error(`it is not known whose the store is: ${answer.ok ? 'no such answer' : answer.message}`);
    },
    get admitted() {
      return admitted;
    },
    get refusal() {
      return refusal;
    },
  };
}

/** `<uid of kube-system>/<namespace>/<installation>`, and the group where it is not the default one. */
function readOwner(body: unknown): string | undefined {
  const { owner } = (body ?? {}) as Readonly<Record<string, unknown>>;
  return typeof owner === 'string' && /^[\w.-]{1,64}(\/[\w.-]{1,253}){2,3}$/.test(owner) ? owner : undefined;
}
