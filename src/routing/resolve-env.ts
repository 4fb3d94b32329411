/** The environment of a function, with the precedence of Kubernetes: `env` over `envFrom`, later over earlier. */
import { isUtf8 } from 'node:buffer';
import type { FunctionSpec } from '../function/types.ts';
import { notAccepted, notResolved } from './problem.ts';
import type { Read, ReferenceReader } from './read-references.ts';
import type { Problem } from './types.ts';

export interface ResolvedEnv {
  readonly env: Readonly<Record<string, string>>;
  /** Names whose values came from a Secret, sorted. */
  readonly secretEnv: readonly string[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

/** Names as Kubernetes takes them for containers (its relaxed form allows more; these work everywhere). */
const environmentName = /^[-._a-zA-Z][-._a-zA-Z0-9]*$/;

/** Resolves `envFrom`, then `env`. What does not resolve is a problem, and the function does not run without it. */
export function resolveEnv(spec: Pick<FunctionSpec, 'env' | 'envFrom'>, reader: ReferenceReader): ResolvedEnv {
  const values = new Map<string, { readonly value: string; readonly secret: boolean }>();
  const problems: Problem[] = [];
  const warnings: string[] = [];

  spec.envFrom?.forEach((source, index) => {
    const path = `spec.envFrom[${index}]`;
    const secret = source.secretRef !== undefined;
    const name = source.secretRef?.name ?? source.configMapRef?.name;
    if (name === undefined) {
      problems.push(notAccepted('Invalid', path, 'set configMapRef or secretRef'));
      return;
    }
    const object = secret
      ? reader.secret(name, `${path}.secretRef`)
      : reader.configMap(name, `${path}.configMapRef`, 'env');
    if (!object.ok) {
      problems.push(object.problem);
      return;
    }
    const skipped: string[] = [];
    for (const [key, bytes] of object.value.data) {
      const variable = `${source.prefix ?? ''}${key}`;
      if (!environmentName.test(variable)) skipped.push(variable);
      else if (isUtf8(bytes)) values.set(variable, { value: text(bytes), secret });
      else problems.push(notText(path, `key "${key}" of ${name}`));
    }
    // As Kubernetes does: keys that cannot be names are left out and said.
    if (skipped.length > 0) warnings.push(`${path}: left out, not a variable name: ${skipped.sort().join(', ')}`);
  });

  spec.env?.forEach((variable, index) => {
    const path = `spec.env[${index}]`;
    if (!environmentName.test(variable.name)) {
      const message = `"${variable.name}" is not a variable name: letters, digits, "_", "-" and ".", not a digit first`;
      problems.push(notAccepted('Invalid', `${path}.name`, message));
      return;
    }
    const { secretKeyRef, configMapKeyRef } = variable.valueFrom ?? {};
    let read: Read<Uint8Array>;
    if (secretKeyRef !== undefined) read = reader.secretValue(secretKeyRef, `${path}.valueFrom.secretKeyRef`);
    else if (configMapKeyRef !== undefined) {
      read = reader.configValue(configMapKeyRef, `${path}.valueFrom.configMapKeyRef`, 'env');
    } else {
      values.set(variable.name, { value: variable.value ?? '', secret: false });
      return;
    }
    if (!read.ok) problems.push(read.problem);
    else if (isUtf8(read.value)) {
      values.set(variable.name, { value: text(read.value), secret: secretKeyRef !== undefined });
    } else problems.push(notText(path, `the value of "${variable.name}"`));
  });

  return {
    env: Object.fromEntries([...values].map(([name, { value }]) => [name, value])),
    secretEnv: [...values].flatMap(([name, { secret }]) => (secret ? [name] : [])).sort(),
    problems,
    warnings,
  };
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

function notText(path: string, what: string): Problem {
  return notResolved('ValueNotText', path, `${what} is not UTF-8 text; store it as base64 and decode it in the code`);
}
