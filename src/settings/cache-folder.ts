/** Where derived code is kept between starts: beside the installed packages, as safe from others as they are. */
import { join } from 'node:path';

/** Compiled modules and the metered binary. May be absent or read-only. */
export const cacheFolder = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'moonhook');
