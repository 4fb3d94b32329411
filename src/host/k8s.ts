/** `k8s`: objects of the cluster, as the ServiceAccount of the function, through the controller. */
import {
  Results,
  type HostArguments,
  type HostCall,
  type HostFunction,
  type LuaInput,
  type LuaValue,
} from '../lua/types.ts';
import { failed, readOptions, textOption, waiting } from './define.ts';
import { jsonDecodeLimits } from './json.ts';
import { decodeJson } from './json-decode.ts';
import { JsonProblem } from './json-problem.ts';
import { defaultEncodeOptions, encodeJson, EncodeProblem } from './json-encode.ts';
import { entriesOfKubernetes } from './k8s-entries.ts';
import { kubernetesBodyCap, type KubernetesArguments, type KubernetesOperation } from './kubernetes-types.ts';
import type { HostContext, HostModule } from './types.ts';

type Call = HostCall<HostContext>;

const longestWord = 253;

/** Answers the text, or the error answer. */
async function ask(
  call: Call,
  operation: KubernetesOperation,
  wanted: KubernetesArguments,
): Promise<{ readonly ok: true; readonly text: string } | { readonly ok: false; readonly results: Results }> {
  const { callId, revision } = call;
  const what = [operation, wanted.kind, wanted.name].filter((part) => part !== undefined).join(' ');
  const answer = await call.context.kubernetes.call(
    { callId, revision, operation, arguments: wanted },
    call.remaining(),
    call.signal,
  );
  if (answer.ok) {
    call.note?.(what);
    call.charge(answer.text.length);
    return answer;
  }
  call.note?.(`${what}: ${answer.status ?? answer.reason ?? 'refused'}`);
  return {
    ok: false,
    results: failed(`k8s.${what}: ${answer.message}`, {
      ...(answer.status === undefined ? {} : { status: answer.status }),
      ...(answer.reason === undefined ? {} : { reason: answer.reason }),
      ...(answer.retryAfterSeconds === undefined ? {} : { retry_after: answer.retryAfterSeconds }),
    }),
  };
}

/** An object of the API server, or the error answer where it is too large to read. */
function decoded(what: string, text: string): Results {
  try {
    return new Results(decodeJson(text, jsonDecodeLimits));
  } catch (error) {
    if (!(error instanceof JsonProblem)) throw error;
    return failed(`${what}: the answer cannot be read: ${error.message}`, {
      reason: error.overLimit ? 'TooLarge' : 'Garbled',
    });
  }
}

function readKind(args: HostArguments): Pick<KubernetesArguments, 'apiVersion' | 'kind'> {
  return { apiVersion: args.text(1, longestWord), kind: args.text(2, longestWord) };
}

function flagOption(
  args: HostArguments,
  position: number,
  options: ReadonlyMap<string, unknown>,
  name: string,
): boolean | undefined {
  const value = options.get(name);
  if (value === undefined || typeof value === 'boolean') return value;
  return args.fail(position, `${name} must be true or false`);
}

function countOption(
  args: HostArguments,
  position: number,
  options: ReadonlyMap<string, unknown>,
  name: string,
  most: number,
): number | undefined {
  const value = options.get(name);
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= most) return value;
  return args.fail(position, `${name} must be an integer from 1 to ${most}`);
}

/** Options that name something: short texts. */
function words<Name extends string>(
  args: HostArguments,
  position: number,
  options: ReadonlyMap<string, unknown>,
  names: readonly Name[],
): { [Key in Name]?: string } {
  const found: { [Key in Name]?: string } = {};
  for (const name of names) {
    const text = textOption(args, position, options, name);
    if (text === '') args.fail(position, `${name} must not be empty`);
    if (text !== undefined) found[name] = text;
  }
  return found;
}

function defined<Value>(name: string, value: Value | undefined): Readonly<Record<string, Value>> {
  return value === undefined ? {} : { [name]: value };
}

/** Objects of subresources are of kinds of their own. */
const subresourceKinds: Readonly<Record<string, Pick<KubernetesArguments, 'apiVersion' | 'kind'>>> = {
  eviction: { apiVersion: 'policy/v1', kind: 'Eviction' },
  scale: { apiVersion: 'autoscaling/v1', kind: 'Scale' },
};

/** The object with what the call already says of it filled in; what contradicts it raises. */
function objectBody(args: HostArguments, wanted: KubernetesArguments): string {
  if (args.type(4) !== 'table') args.fail(4, `an object expected, got ${args.type(4)}`);
  const given = args.value(4);
  if (Array.isArray(given) && given.length > 0) args.fail(4, 'an object expected, got a list');
  const object = given instanceof Map ? given : new Map<string, LuaValue>();
  const { apiVersion, kind } = subresourceKinds[wanted.subresource ?? ''] ?? wanted;
  const metadata = object.get('metadata') ?? new Map<string, LuaValue>();
  if (!(metadata instanceof Map)) return args.fail(4, 'metadata must be a table');
  fill(args, object, 'apiVersion', apiVersion, 'apiVersion');
  fill(args, object, 'kind', kind, 'kind');
  if (wanted.name !== undefined) fill(args, metadata, 'name', wanted.name, 'metadata.name');
  if (wanted.namespace !== undefined) fill(args, metadata, 'namespace', wanted.namespace, 'metadata.namespace');
  object.set('metadata', metadata);
  return encode(args, object);
}

function fill(args: HostArguments, table: Map<unknown, LuaValue>, member: string, value: string, path: string): void {
  const given = table.get(member);
  if (given !== undefined && given !== value) args.fail(4, `${path} of the object is not "${value}"`);
  table.set(member, value);
}

function encode(args: HostArguments, value: LuaValue): string {
  try {
    return encodeJson(value, { ...defaultEncodeOptions, maxBytes: kubernetesBodyCap });
  } catch (error) {
    return args.fail(4, error instanceof EncodeProblem ? error.message : 'the object has no JSON form');
  }
}

const get = waiting('k8s.get', async (args, call) => {
  const options = readOptions(args, 4, ['namespace', 'subresource', 'metadataOnly']);
  const wanted: KubernetesArguments = {
    ...readKind(args),
    name: args.text(3, longestWord),
    ...words(args, 4, options, ['namespace', 'subresource']),
    ...defined('metadataOnly', flagOption(args, 4, options, 'metadataOnly')),
  };
  const answer = await ask(call, 'get', wanted);
  return answer.ok ? decoded('k8s.get', answer.text) : answer.results;
});

/** One page: the list object as the API server gives it. `list` and `each` go through all. */
const page = waiting('k8s.page', async (args, call) => {
  const options = readOptions(args, 3, ['namespace', 'labelSelector', 'metadataOnly']);
  const wanted: KubernetesArguments = {
    ...readKind(args),
    ...words(args, 3, options, ['namespace', 'labelSelector']),
    ...defined('metadataOnly', flagOption(args, 3, options, 'metadataOnly')),
    limit: args.integer(4),
    ...defined('continue', args.optionalText(5)),
  };
  const answer = await ask(call, 'list', wanted);
  return answer.ok ? decoded('k8s.list', answer.text) : answer.results;
});

function write(operation: 'create' | 'update' | 'apply'): HostFunction<HostContext> {
  return waiting(`k8s.${operation}`, async (args, call) => {
    const options = readOptions(args, 5, ['namespace', 'subresource']);
    // A new object may get its name from generateName.
    const name = operation === 'create' ? args.optionalText(3, longestWord) : args.text(3, longestWord);
    const named: KubernetesArguments = {
      ...readKind(args),
      ...defined('name', name),
      ...words(args, 5, options, ['namespace', 'subresource']),
    };
    const answer = await ask(call, operation, { ...named, body: objectBody(args, named) });
    return answer.ok ? decoded(`k8s.${operation}`, answer.text) : answer.results;
  });
}

const patch = waiting('k8s.patch', async (args, call) => {
  const options = readOptions(args, 5, ['namespace', 'subresource', 'type']);
  if (args.type(4) !== 'table') args.fail(4, `a patch expected, got ${args.type(4)}`);
  const wanted: KubernetesArguments = {
    ...readKind(args),
    name: args.text(3, longestWord),
    ...words(args, 5, options, ['namespace', 'subresource', 'type']),
    body: encode(args, args.value(4)),
  };
  const { type } = wanted;
  if (type !== undefined && !['merge', 'strategic', 'json'].includes(type)) {
    return args.fail(5, 'type must be "merge", "strategic" or "json"');
  }
  const answer = await ask(call, 'patch', wanted);
  return answer.ok ? decoded('k8s.patch', answer.text) : answer.results;
});

const remove = waiting('k8s.delete', async (args, call): Promise<LuaInput | Results> => {
  const options = readOptions(args, 4, ['namespace']);
  const wanted: KubernetesArguments = {
    ...readKind(args),
    name: args.text(3, longestWord),
    ...words(args, 4, options, ['namespace']),
  };
  const answer = await ask(call, 'delete', wanted);
  return answer.ok ? true : answer.results;
});

const mostLines = 10_000;

const logs = waiting('k8s.logs', async (args, call): Promise<LuaInput | Results> => {
  const options = readOptions(args, 2, ['namespace', 'container', 'previous', 'tail']);
  const wanted: KubernetesArguments = {
    apiVersion: 'v1',
    kind: 'Pod',
    name: args.text(1, longestWord),
    ...words(args, 2, options, ['namespace', 'container']),
    ...defined('previous', flagOption(args, 2, options, 'previous')),
    tail: countOption(args, 2, options, 'tail', mostLines) ?? 100,
  };
  const answer = await ask(call, 'logs', wanted);
  return answer.ok ? answer.text : answer.results;
});

export const k8s: HostModule = {
  name: 'k8s',
  summary:
    'Objects of the cluster, read and written as the ServiceAccount of `spec.serviceAccountName`: what it may do is decided by its roles. The namespace is that of the function unless `namespace` names another. Subresources: `scale`, `status`, `eviction` of pods. In a local run there is no cluster: every function answers `nil, err`. `metadata.managedFields` is left out.',
  entries: entriesOfKubernetes({
    get,
    create: write('create'),
    update: write('update'),
    patch,
    apply: write('apply'),
    delete: remove,
    logs,
  }),
  hidden: [page],
  lua: `
local type, error, ipairs = env.type, env.error, env.ipairs
local page = host['k8s.page']
env.k8s.page = nil
local function bare(object)
  if type(object) == 'table' and type(object.metadata) == 'table' then object.metadata.managedFields = nil end
  return object
end
for _, name in ipairs({ 'get', 'create', 'update', 'patch', 'apply' }) do
  local raw = host['k8s.' .. name]
  env.k8s[name] = function(...)
    local object, err = guarded(raw(...))
    if object == nil then return nil, err end
    return bare(object)
  end
end
-- Pages that are too large to read are asked for again in smaller ones.
local function walk(version, kind, options, visit)
  local limit, from = 250, nil
  while true do
    local list, err = guarded(page(version, kind, options, limit, from))
    if list == nil then
      if err.reason ~= 'TooLarge' or limit == 1 then return nil, err end
      limit = limit // 4
      if limit < 1 then limit = 1 end
    else
      for _, object in ipairs(list.items or {}) do
        object.apiVersion, object.kind = object.apiVersion or version, object.kind or kind
        if visit(bare(object)) == false then return true end
      end
      from = list.metadata and list.metadata.continue
      if from == nil or from == '' then return true end
    end
  end
end
function env.k8s.list(version, kind, options)
  local found, count = env.json.array({}), 0
  local done, err = walk(version, kind, options, function(object)
    count = count + 1
    found[count] = object
  end)
  if not done then return nil, err end
  return found
end
function env.k8s.each(version, kind, options, visit)
  if type(visit) ~= 'function' then error("bad argument #4 to 'k8s.each' (function expected, got " .. type(visit) .. ")", 2) end
  return walk(version, kind, options, visit)
end
`,
};
