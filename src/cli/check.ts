/** `moonhook check`: everything `dev` would find wrong, without serving: schema, references, routes, and the Lua itself. */
import type { Command } from 'commander';

/** Adds the verb to the program. */
export function registerCheck(_program: Command): void {}
