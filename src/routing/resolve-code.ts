/** Code and modules of a function, from the resource, ConfigMaps or local files, within their size caps. */
import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import { formatQuantity } from '../function/quantity.ts';
import type { CodeSource, FunctionSpec } from '../function/types.ts';
import { canonicalJson } from './canonical-json.ts';
import { notAccepted, notResolved } from './problem.ts';
import type { ReferenceReader } from './read-references.ts';
import type { CodeEntry, CodeOrigin, Problem } from './types.ts';

/** Bytes of `code`, and of code and modules together. */
export const codeLimits = { codeBytes: 128 * 1024, totalBytes: 1024 * 1024 } as const;

const noModules: CodeEntry['modules'] = {};

export interface ResolvedCode {
  readonly code: CodeEntry;
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

/** Resolves `code` or `codeFrom`, `modulesFrom`, then `modules`, which win over keys of the same name. */
export function resolveCode(
  spec: FunctionSpec,
  reader: ReferenceReader,
  mode: 'cluster' | 'local',
  origins: ReadonlyMap<string, CodeOrigin> = new Map(),
): ResolvedCode {
  const problems: Problem[] = [];
  const warnings: string[] = [];

  function decode(bytes: Uint8Array, path: string): string | undefined {
    if (isUtf8(bytes)) {
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
    }
    problems.push(notResolved('CodeNotText', path, 'the code is not UTF-8 text (precompiled Lua is never loaded)'));
    return undefined;
  }

  function fromSource(source: CodeSource, path: string): string | undefined {
    if (source.configMapKeyRef !== undefined) {
      const refPath = `${path}.configMapKeyRef`;
      const read = reader.configValue(source.configMapKeyRef, refPath, 'code');
      if (read.ok) return decode(read.value, refPath);
      problems.push(read.problem);
      return undefined;
    }
    if (source.file === undefined) {
      problems.push(notAccepted('Invalid', path, 'set configMapKeyRef'));
      return undefined;
    }
    if (mode === 'cluster') {
      const message = 'files exist only for `moonhook dev`; run `moonhook render` to inline them before applying';
      problems.push(notAccepted('Invalid', `${path}.file`, message));
      return undefined;
    }
    const read = reader.file(source.file, `${path}.file`);
    if (read.ok) return decode(read.value, `${path}.file`);
    problems.push(read.problem);
    return undefined;
  }

  function mainSource(): string | undefined {
    if (spec.code !== undefined) return spec.code;
    if (spec.codeFrom !== undefined) return fromSource(spec.codeFrom, 'spec.codeFrom');
    problems.push(notAccepted('Invalid', 'spec', 'set code or codeFrom'));
    return undefined;
  }

  const code = mainSource() ?? '';
  const modules = new Map<string, string>();
  spec.modulesFrom?.forEach(({ configMapRef }, index) => {
    const path = `spec.modulesFrom[${index}].configMapRef`;
    const read = reader.configMap(configMapRef.name, path, 'code');
    if (!read.ok) {
      problems.push(read.problem);
      return;
    }
    let found = 0;
    for (const [key, bytes] of read.value.data) {
      if (!key.endsWith('.lua') || key === '.lua') continue;
      found += 1;
      const source = decode(bytes, `${path} (key "${key}")`);
      if (source !== undefined) modules.set(key.slice(0, -'.lua'.length), source);
    }
    if (found === 0) warnings.push(`${path}: ConfigMap "${configMapRef.name}" has no key that ends in .lua`);
  });
  spec.modules?.forEach((module, index) => {
    const path = `spec.modules[${index}]`;
    const source = module.code === undefined ? fromSource(module, path) : module.code;
    if (source !== undefined) modules.set(module.name, source);
  });

  problems.push(...tooLarge(code, modules));
  const sources = { code, modules: modules.size === 0 ? noModules : Object.fromEntries(modules) };
  const origin = origins.get('');
  const moduleOrigins = Object.fromEntries([...origins].filter(([name]) => modules.has(name)));
  return {
    code: {
      codeRevision: hash('sha256', canonicalJson(sources), 'buffer').toString('hex', 0, 16),
      ...sources,
      ...(origin === undefined ? {} : { origin }),
      ...(Object.keys(moduleOrigins).length === 0 ? {} : { moduleOrigins }),
    },
    problems,
    warnings,
  };
}

function tooLarge(code: string, modules: ReadonlyMap<string, string>): readonly Problem[] {
  const { codeBytes, totalBytes } = codeLimits;
  const codeSize = Buffer.byteLength(code);
  if (codeSize > codeBytes) {
    const message = `the code has ${codeSize} bytes, more than ${formatQuantity(codeBytes)}: move parts of it into modules`;
    return [notAccepted('CodeTooLarge', 'spec.code', message)];
  }
  let total = codeSize;
  for (const source of modules.values()) total += Buffer.byteLength(source);
  if (total <= totalBytes) return [];
  const message = `code and modules have ${total} bytes together, more than ${formatQuantity(totalBytes)}`;
  return [notAccepted('CodeTooLarge', 'spec.modules', message)];
}
