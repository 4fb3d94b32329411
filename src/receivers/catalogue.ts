/** Every receiver by its name in YAML. One line per sender. */
import { basic } from './basic.ts';
import { bearer } from './bearer.ts';
import { custom } from './custom.ts';
import { github } from './github.ts';
import { hmac } from './hmac.ts';
import { open } from './open.ts';
import type { ReceiverDefinition } from './types.ts';
import { urlSecret } from './url-secret.ts';

const definitions: readonly ReceiverDefinition[] = [open, bearer, basic, hmac, urlSecret, custom, github];

/** The catalogue: source of the schema, the reference page, `moonhook receivers` and the request path. */
export const receivers: ReadonlyMap<string, ReceiverDefinition> = new Map(
  definitions.map((definition) => [definition.profile.name, definition]),
);
