/** Judges the Lua of a table without serving it: what `check` asks in place of a runtime. */
import { errorMessage } from '../failures/error-message.ts';
import { createHostEnvironment } from '../host/environment.ts';
import type { HostContext } from '../host/types.ts';
import { createEngine } from '../lua/engine.ts';
import { meteredLua } from '../lua/metered-lua.ts';
import { applyChanges, emptyTable } from '../routing/diff-tables.ts';
import { programRevision } from '../routing/last-good.ts';
import type { Acknowledgement, RouteTable } from '../routing/types.ts';
import { callLimitsOf } from '../runtime/call-limits.ts';
import { loadFunction } from '../runtime/load-function.ts';
import { createTriggerMaker } from '../runtime/prepare-trigger.ts';
import { loadSubscription } from '../runtime/load-subscription.ts';
import { cacheFolder } from '../settings/cache-folder.ts';
import type { TableServer } from './table-builder.ts';

export interface LoadServer extends TableServer {
  close(): Promise<void>;
}

/** Functions are loaded in the engine that runs them, one by one, and forgotten. */
export async function createLoadServer(onDefect: (message: string) => void): Promise<LoadServer> {
  const engine = createEngine<HostContext>({
    module: await meteredLua(cacheFolder),
    environment: createHostEnvironment(),
    onDefect: (error, where) => {
      onDefect(`a defect in ${where.name}: ${errorMessage(error)}`);
    },
  });
  let table: RouteTable = emptyTable;
  return {
    get table() {
      return table;
    },
    applyChanges: async (changes, version) => {
      table = applyChanges(table, changes, version);
      const acknowledgements: Acknowledgement[] = [];
      for (const change of changes) {
        if (change.op === 'setSubscription') {
          const { acknowledgement, program } = await loadSubscription(change.subscription, engine);
          acknowledgements.push(acknowledgement);
          if (program !== undefined) engine.unload(program.revision);
          continue;
        }
        if (change.op !== 'set') continue;
        const { entry } = change;
        const places = { index: 0, callRow: 0, triggerRows: {} };
        const loaded = await loadFunction(entry, places, undefined, {
          engine,
          make: { trigger: createTriggerMaker(), context: () => noContext },
          callLimits: callLimitsOf,
        });
        acknowledgements.push(loaded.acknowledgement);
        if (loaded.serving !== undefined) engine.unload(programRevision(entry, loaded.serving.code));
      }
      return acknowledgements;
    },
    close: () => engine.close(),
  };
}

/** Loading runs no call, so nothing of a context is ever asked for; if it were, that is a defect. */
const noContext = new Proxy({} as HostContext, {
  get: (_target, name) => {
    throw new Error(`${String(name)} of the context was asked for while a function was only loaded`);
  },
});
