/**
 * Fills the caches of derived code that a runtime starts from, for an image, which nobody can write to later: run once while
 * it is built, as the user and with the flags that it will run with. No verb of the command.
 */
import { Writable } from 'node:stream';
import { createRuntime } from '../runtime/runtime.ts';
import { emptyTable } from '../routing/diff-tables.ts';
import { keepCompiledCode } from '../settings/compile-cache.ts';
import { runtimeDefaults } from '../settings/runtime-settings.ts';
import { createLogger } from '../telemetry/logger.ts';
import { createProgram } from './create-program.ts';

const free = { host: '127.0.0.1', port: 0 };

keepCompiledCode();
await createProgram('runtime');
const stream = new Writable({ write: (_line, _encoding, done) => done() });
// One that starts and ends has loaded every module of every thread, and rewritten Lua.
const runtime = await createRuntime({
  settings: { ...runtimeDefaults, public: free, calls: free, admin: free },
  log: createLogger({ level: 'error', terminal: false, stream }),
});
await runtime.apply({ ...emptyTable, version: 1 });
await runtime.drain();
