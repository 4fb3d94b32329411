/** Reads the installation's policy file: checked as a whole, completed with defaults. */
import { Ajv } from 'ajv';
import { parseDuration } from '../function/duration.ts';
import { toJsonSchema } from '../function/local-schema.ts';
import { toMistakes, type Mistake } from '../function/mistakes.ts';
import { parseQuantity } from '../function/quantity.ts';
import type { Limits, ResolvedLimits, Retry } from '../function/types.ts';
import { parseAddressBlock } from './address-ranges.ts';
import { parseEgressGrant, parseEgressPattern } from './egress.ts';
import type { EgressGrants, HostGrant, InstallationPolicy, Quota } from './installation-policy.ts';
import { parseAmount } from './limit-amounts.ts';
import { namespaceName, policySchema } from './policy-schema.ts';
import { checkRuntimeGroups, readRuntimeGroups, type RuntimeGroupsFile } from './read-runtime-groups.ts';
import { limitFields } from './resolve-limits.ts';

/** The file as it is written; durations and sizes as text. */
export interface PolicyFile extends RuntimeGroupsFile {
  readonly class?: string;
  readonly hosts?: readonly {
    readonly host: string;
    readonly publicUrl?: string;
    readonly namespaces: readonly string[];
    readonly mount: '/{namespace}' | '/';
  }[];
  readonly defaults?: { readonly limits?: Limits; readonly retry?: Retry };
  readonly ceilings?: {
    readonly limits?: Limits;
    readonly retryAttempts?: number;
    readonly retryWait?: string;
    readonly ackAfter?: string;
    readonly dedupWindow?: string;
  };
  readonly egress?: Partial<EgressGrants> & { readonly namespaces?: Readonly<Record<string, Partial<EgressGrants>>> };
  readonly quotas?: QuotaFile & { readonly namespaces?: Readonly<Record<string, QuotaFile>> };
  readonly retention?: {
    readonly settled?: string;
    readonly failed?: string;
    readonly endedBytes?: string | number;
    readonly deliveryIds?: number;
  };
  readonly trustedProxies?: readonly string[];
  readonly allowWeakSecrets?: boolean;
}

const byteQuotas = ['waitingBytes', 'keyValueBytes', 'parkedBytes', 'hostBytes'] as const;
type ByteQuota = (typeof byteQuotas)[number];
type QuotaFile = Omit<Quota, ByteQuota> & { readonly [Name in ByteQuota]?: string | number };

export type PolicyReading =
  | { readonly ok: true; readonly policy: InstallationPolicy }
  | { readonly ok: false; readonly mistakes: readonly Mistake[] };

const emptyFile: Mistake = { path: '', message: 'is empty', hint: 'write {} for the defaults' };

/** Checks and completes a parsed file; `base` holds what the file does not say. `local`: loopback may be granted. */
export function readPolicy(
  document: unknown,
  base: InstallationPolicy,
  options: { readonly local: boolean },
): PolicyReading {
  // One that is being written, or was truncated, would lift every ceiling and quota.
  if (document === undefined || document === null) return { ok: false, mistakes: [emptyFile] };
  const ajv = new Ajv({ allErrors: true, strict: false, validateFormats: false });
  const validate = ajv.compile(toJsonSchema(policySchema));
  if (!validate(document)) return { ok: false, mistakes: toMistakes(validate.errors ?? [], document, policySchema) };
  const file = document as PolicyFile;
  const mistakes = [
    ...checkHosts(file),
    ...checkNames(file),
    ...checkAddresses(file, options.local),
    ...checkRuntimeGroups(file),
  ];
  if (mistakes.length > 0) return { ok: false, mistakes };
  const policy = complete(file, base);
  const above = checkDefaults(file, policy);
  return above.length > 0 ? { ok: false, mistakes: above } : { ok: true, policy };
}

function complete(file: PolicyFile, base: InstallationPolicy): InstallationPolicy {
  const functionClass = file.class ?? base.class;
  const { ceilings = {} } = file;
  return {
    ...(functionClass === undefined ? {} : { class: functionClass }),
    hosts: file.hosts === undefined ? base.hosts : file.hosts.map(hostGrant),
    defaults: {
      limits: withLimits(base.defaults.limits, file.defaults?.limits),
      retryScheduleMs: file.defaults?.retry?.schedule?.map(milliseconds) ?? base.defaults.retryScheduleMs,
    },
    ceilings: {
      limits: withLimits(base.ceilings.limits, ceilings.limits),
      retryAttempts: ceilings.retryAttempts ?? base.ceilings.retryAttempts,
      retryWaitMs: ceilings.retryWait === undefined ? base.ceilings.retryWaitMs : milliseconds(ceilings.retryWait),
      ackAfterMs: ceilings.ackAfter === undefined ? base.ceilings.ackAfterMs : milliseconds(ceilings.ackAfter),
      dedupWindowMs:
        ceilings.dedupWindow === undefined ? base.ceilings.dedupWindowMs : milliseconds(ceilings.dedupWindow),
    },
    egress: { ...base.egress, ...file.egress, namespaces: file.egress?.namespaces ?? base.egress.namespaces },
    quotas:
      file.quotas === undefined
        ? base.quotas
        : {
            ...quota(file.quotas),
            namespaces: Object.fromEntries(
              Object.entries(file.quotas.namespaces ?? {}).map(([name, own]) => [name, quota(own)]),
            ),
          },
    ...(file.retention === undefined
      ? base.retention === undefined
        ? {}
        : { retention: base.retention }
      : { retention: retention(file.retention) }),
    trustedProxies: file.trustedProxies ?? base.trustedProxies,
    allowWeakSecrets: file.allowWeakSecrets ?? base.allowWeakSecrets,
    // Who writes down who may use which host means it: one machine then behaves as the cluster does.
    singleTenant: file.hosts === undefined && base.singleTenant,
    ...readRuntimeGroups(file),
  };
}

function hostGrant({ host, publicUrl, namespaces, mount }: NonNullable<PolicyFile['hosts']>[number]): HostGrant {
  return {
    ...(host === '*' ? {} : { host }),
    publicUrl: publicUrl ?? `https://${host}`,
    namespaces: namespaces.includes('*') ? '*' : namespaces,
    mount,
  };
}

function withLimits(base: ResolvedLimits, wanted: Limits = {}): ResolvedLimits {
  const values: Partial<Record<keyof ResolvedLimits, number>> = {};
  for (const field of Object.keys(wanted) as (keyof Limits)[]) {
    const { value, kind } = limitFields[field];
    const amount = parseAmount(wanted[field] ?? '', kind);
    if (amount !== undefined) values[value] = amount;
  }
  return { ...base, ...values };
}

/** The schema has checked the form; what is beyond exact numbers ends at the largest of them. */
function milliseconds(text: string): number {
  return parseDuration(text) ?? Number.MAX_SAFE_INTEGER;
}

function quota(file: QuotaFile & { readonly namespaces?: unknown }): Quota {
  const { namespaces: _namespaces, waitingBytes, keyValueBytes, parkedBytes, hostBytes, ...counts } = file;
  const sizes = { waitingBytes, keyValueBytes, parkedBytes, hostBytes };
  const bytes = byteQuotas.flatMap((name): [string, number][] => {
    const size = sizes[name];
    return size === undefined ? [] : [[name, parseQuantity(size) ?? Number.MAX_SAFE_INTEGER]];
  });
  return { ...counts, ...Object.fromEntries(bytes) };
}

function retention({
  settled,
  failed,
  endedBytes,
  deliveryIds,
}: NonNullable<PolicyFile['retention']>): NonNullable<InstallationPolicy['retention']> {
  return {
    ...(settled === undefined ? {} : { settledMs: milliseconds(settled) }),
    ...(failed === undefined ? {} : { failedMs: milliseconds(failed) }),
    ...(endedBytes === undefined ? {} : { endedBytes: parseQuantity(endedBytes) ?? Number.MAX_SAFE_INTEGER }),
    ...(deliveryIds === undefined ? {} : { duplicateKeys: deliveryIds }),
  };
}

function checkHosts({ hosts = [] }: PolicyFile): readonly Mistake[] {
  const mistakes: Mistake[] = [];
  const seen = new Map<string, number>();
  for (const [index, { host, publicUrl, namespaces, mount }] of hosts.entries()) {
    const path = `hosts[${index}]`;
    if (publicUrl === undefined && host.startsWith('*')) {
      mistakes.push({ path, message: `"publicUrl" is required where host is ${host}` });
    }
    if (namespaces.includes('*') && namespaces.length > 1) {
      mistakes.push({ path: `${path}.namespaces`, message: '"*" means all namespaces: it stands alone' });
    }
    const key = `${host} ${mount} ${[...namespaces].sort().join(' ')}`;
    const first = seen.get(key);
    if (first !== undefined) mistakes.push({ path, message: `says the same as hosts[${first}]` });
    seen.set(key, index);
  }
  return mistakes;
}

function checkNames({ egress, quotas }: PolicyFile): readonly Mistake[] {
  const maps = [
    ['egress.namespaces', egress?.namespaces],
    ['quotas.namespaces', quotas?.namespaces],
  ] as const;
  return maps.flatMap(([path, map]) =>
    Object.keys(map ?? {})
      .filter((name) => !namespaceName.test(name))
      .map((name) => ({ path, message: `"${name}" is not the name of a namespace` })),
  );
}

function checkAddresses({ egress = {}, trustedProxies = [] }: PolicyFile, local: boolean): readonly Mistake[] {
  const mistakes: Mistake[] = [];
  const check = (grants: Partial<EgressGrants>, path: string): void => {
    const lists = [
      ['allow', grants.allow, (text: string) => failure(parseEgressPattern(text))],
      ['grants', grants.grants, (text: string) => failure(parseEgressGrant(text, { local }))],
      ['deny', grants.deny, notAnAddress],
    ] as const;
    for (const [name, texts, judge] of lists) {
      for (const [index, text] of (texts ?? []).entries()) {
        const message = judge(text);
        if (message !== undefined) mistakes.push({ path: `${path}.${name}[${index}]`, message });
      }
    }
  };
  check(egress, 'egress');
  for (const [name, own] of Object.entries(egress.namespaces ?? {})) check(own, `egress.namespaces.${name}`);
  for (const [index, text] of trustedProxies.entries()) {
    const message = notAnAddress(text);
    if (message !== undefined) mistakes.push({ path: `trustedProxies[${index}]`, message });
  }
  return mistakes;
}

function failure(parsed: { readonly ok: true } | { readonly ok: false; readonly message: string }): string | undefined {
  return parsed.ok ? undefined : parsed.message;
}

function notAnAddress(text: string): string | undefined {
  return parseAddressBlock(text) === undefined
    ? `"${text}" is not an address or a range such as 10.0.0.0/8 or 2001:db8::/32`
    : undefined;
}

/** A default above its own ceiling is a slip: nobody could ever have it. */
function checkDefaults({ defaults = {} }: PolicyFile, policy: InstallationPolicy): readonly Mistake[] {
  return (Object.keys(defaults.limits ?? {}) as (keyof Limits)[]).flatMap((field) => {
    const { value } = limitFields[field];
    return policy.defaults.limits[value] > policy.ceilings.limits[value]
      ? [{ path: `defaults.limits.${field}`, message: 'is above the ceiling of the same name' }]
      : [];
  });
}
