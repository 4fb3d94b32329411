/** Opens the store of a local run. */
import { join } from 'node:path';
import { errorMessage } from '../failures/error-message.ts';
import { openStore, type OpenStore } from '../store/open-store.ts';
import type { DevSettings } from '../settings/dev-settings.ts';
import type { RunLocalOptions } from './run-local.ts';

type LocalStoreOptions = Pick<RunLocalOptions, 'log' | 'randomBytes' | 'onLost'> & {
  readonly settings: Pick<DevSettings, 'storeUrl'>;
};

/** What SQLite says of a file that it did not write, or that was damaged since. */
const notAStore = /file is not a database|disk image is malformed/;

/** SQLite beside the token, or the database of the settings, which other processes may share. */
export async function openLocalStore(
  { settings, log, randomBytes, onLost }: LocalStoreOptions,
  folder: string,
): Promise<OpenStore> {
  const { storeUrl } = settings;
  if (storeUrl === undefined) {
    const path = join(folder, 'store.db');
    return await openStore({ path, onLost: (error) => onLost(error.message) }).catch((error: unknown) => {
      const message = errorMessage(error);
      const remedy = notAStore.test(message) ? '; move it away, or choose another place with --data-dir' : '';
      throw new Error(`cannot open ${path}: ${message}${remedy}`, { cause: error });
    });
  }
  // A connection that breaks is made again; what is asked meanwhile fails and is told to whoever asked.
  const onError = (error: Error): void => log.warn('the database connection broke', { error: error.message });
  const onAlarm = (message: string): void => log.warn(message);
  const { openPostgres } = await import('../store/open-postgres.ts');
  return await openPostgres({
    url: storeUrl,
    processId: Buffer.from(randomBytes(8)).toString('hex'),
    onError,
    onAlarm,
  });
}
