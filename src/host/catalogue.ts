/** Everything Lua may call, in one place: the source of the environment, the reference page and the editor's definitions. */
import { cache } from './cache.ts';
import { call } from './call.ts';
import { cjson } from './cjson.ts';
import { createControl, waitByTimer, type Wait } from './control.ts';
import { crypto } from './crypto.ts';
import { base64, hex } from './encoding.ts';
import { events } from './events.ts';
import { http } from './http.ts';
import { json } from './json.ts';
import { k8s } from './k8s.ts';
import { kv } from './kv.ts';
import { later } from './later.ts';
import { log } from './log.ts';
import { createRe } from './re.ts';
import { time } from './time.ts';
import type { HostEntry, HostModule } from './types.ts';
import { url } from './url.ts';
import { uuid } from './uuid.ts';
import { xml } from './xml.ts';

export interface CatalogueOptions {
  /** The timer behind `sleep`. */
  readonly wait?: Wait;
}

/** The modules in the order of the reference page; Lua parts run in this order too. */
export function createCatalogue(options: CatalogueOptions = {}): readonly HostModule[] {
  return [
    createControl(options.wait ?? waitByTimer),
    http,
    call,
    later,
    events,
    kv,
    k8s,
    cache,
    json,
    cjson,
    base64,
    hex,
    url,
    crypto,
    uuid,
    time,
    createRe(),
    xml,
    log,
  ];
}

/** All entries, flat. */
export function listEntries(modules: readonly HostModule[]): readonly HostEntry[] {
  return modules.flatMap((module) => module.entries);
}
