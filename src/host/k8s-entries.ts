/** What the reference says of `k8s`. */
import type { HostContext, HostEntry } from './types.ts';
import type { HostFunction } from '../lua/types.ts';

type Implemented = 'get' | 'create' | 'update' | 'patch' | 'apply' | 'delete' | 'logs';

const apiVersion = { name: 'apiVersion', type: 'string', description: '`v1`, `apps/v1`' };
const kind = { name: 'kind', type: 'string', description: '`ConfigMap`, `Deployment`; custom resources too' };
const name = { name: 'name', type: 'string', description: 'of the object' };
const err = {
  name: 'err',
  type: 'moonhook.Error?',
  description:
    '`message`; `status` of the API server where it answered, `reason` (`NotFound`, `Forbidden`, `Conflict`, `TooLarge`), `retry_after` if it asks to wait',
};
const object = { name: 'object', type: 'table?', description: 'as the API server holds it now' };
const failures =
  'answers `nil, err` without a cluster or a ServiceAccount, if the roles do not allow it, the API server refuses or is away, or the answer is over 1 MiB';
const misuse = 'raises for wrong types and unknown options';
const caps =
  'object sent ≤ 1 MiB, answer ≤ 1 MiB and 40,000 names and values; 50 calls a second per function on average, 200 at once, 32 under way; one host call';

const written = (summary: string): { readonly name: string; readonly type: string; readonly description: string } => ({
  name: 'object',
  type: 'table',
  description: summary,
});
const options = (type: string, description: string) => ({ name: 'options', type, description });
const place = '`namespace` (default: that of the function), `subresource` (`status`, `scale`)';

/** The entries of the module with what carries them out. */
export function entriesOfKubernetes(
  functions: Readonly<Record<Implemented, HostFunction<HostContext>>>,
): readonly HostEntry[] {
  const entry = (
    own: Implemented,
    parts: Omit<HostEntry, 'name' | 'errors' | 'caps' | 'answersError' | 'implementation'>,
  ): HostEntry => ({
    name: `k8s.${own}`,
    ...parts,
    errors: [failures, misuse],
    answersError: true,
    caps,
    implementation: functions[own],
  });
  return [
    entry('get', {
      summary: 'Reads one object.',
      parameters: [
        apiVersion,
        kind,
        name,
        options(
          '{namespace?: string, subresource?: string, metadataOnly?: boolean}?',
          `${place}, \`metadataOnly\` (nothing but the metadata)`,
        ),
      ],
      returns: [object, err],
      example: `return function()
  local config, err = k8s.get("v1", "ConfigMap", "settings")
  if config == nil and err.status == 404 then return "no settings yet" end
  if config == nil then return { status = 502, body = err.message } end
  return config.data.greeting
end`,
    }),
    {
      name: 'k8s.list',
      summary: 'Reads all objects of a kind in one namespace, page after page.',
      parameters: [
        apiVersion,
        kind,
        options(
          '{namespace?: string, labelSelector?: string, metadataOnly?: boolean}?',
          '`namespace`, `labelSelector` (`app=web,tier!=db`), `metadataOnly`',
        ),
      ],
      returns: [{ name: 'objects', type: 'table[]?', description: 'in the order of the API server' }, err],
      errors: [failures, misuse],
      answersError: true,
      example: `return function()
  local pods, err = k8s.list("v1", "Pod", { labelSelector = "app=web", metadataOnly = true })
  if pods == nil then return { status = 502, body = err.message } end
  return { json = { pods = #pods } }
end`,
      caps: `pages of 250, smaller where one is over 1 MiB; all objects count against the memory of the call; one host call per page; per page: ${caps}`,
      implementation: { kind: 'lua' },
    },
    {
      name: 'k8s.each',
      summary: 'Calls a function with each object of a kind, page after page, without holding all of them.',
      parameters: [
        apiVersion,
        kind,
        options(
          '{namespace?: string, labelSelector?: string, metadataOnly?: boolean}?',
          'as of `k8s.list`; nil for none',
        ),
        { name: 'visit', type: 'fun(object: table): any', description: 'ends the walk by returning false' },
      ],
      returns: [{ name: 'done', type: 'boolean?', description: 'true' }, err],
      errors: [failures, misuse],
      answersError: true,
      example: `return function()
  local restarts = 0
  local done, err = k8s.each("v1", "Pod", { labelSelector = "app=web" }, function(pod)
    for _, container in ipairs(pod.status.containerStatuses or {}) do restarts = restarts + container.restartCount end
  end)
  if not done then return { status = 502, body = err.message } end
  return { json = { restarts = restarts } }
end`,
      caps: `as of \`k8s.list\``,
      implementation: { kind: 'lua' },
    },
    entry('create', {
      summary: 'Creates an object, or with `subresource = "eviction"` evicts a pod.',
      parameters: [
        apiVersion,
        kind,
        { name: 'name', type: 'string?', description: 'nil: `metadata.generateName` of the object decides' },
        written('the object; apiVersion, kind and name are filled in'),
        options('{namespace?: string, subresource?: string}?', '`namespace`, `subresource` (`eviction`)'),
      ],
      returns: [object, err],
      example: `return function()
  local made, err = k8s.create("v1", "ConfigMap", "seen", { data = { by = "a webhook" } })
  if made == nil and err.reason == "AlreadyExists" then return "seen before" end
  return made and "seen" or { status = 502, body = err.message }
end`,
    }),
    entry('update', {
      summary: 'Replaces an object. With its `metadata.resourceVersion` only if nobody changed it meanwhile.',
      parameters: [
        apiVersion,
        kind,
        name,
        written('the whole object'),
        options('{namespace?: string, subresource?: string}?', place),
      ],
      returns: [object, err],
      example: `return function()
  local config, err = k8s.get("v1", "ConfigMap", "settings")
  if config == nil then return { status = 502, body = err.message } end
  config.data.greeting = "hello"
  config, err = k8s.update("v1", "ConfigMap", "settings", config)
  if config == nil and err.reason == "Conflict" then return retry_after(1) end
end`,
    }),
    entry('patch', {
      summary: 'Changes parts of an object.',
      parameters: [
        apiVersion,
        kind,
        name,
        { name: 'patch', type: 'table', description: 'by its type; `json.null` removes a member in a merge patch' },
        options(
          '{namespace?: string, subresource?: string, type?: "merge"|"strategic"|"json"}?',
          `${place}, \`type\` (default \`merge\`)`,
        ),
      ],
      returns: [object, err],
      example: `return function()
  local scaled, err = k8s.patch("apps/v1", "Deployment", "web", { spec = { replicas = 3 } }, { subresource = "scale" })
  return scaled and "scaled" or { status = 502, body = err.message }
end`,
    }),
    entry('delete', {
      summary: 'Deletes an object; what it owns follows in the background.',
      parameters: [apiVersion, kind, name, options('{namespace?: string}?', '`namespace`')],
      returns: [{ name: 'done', type: 'boolean?', description: 'true: it goes' }, err],
      example: `return function()
  local gone, err = k8s.delete("v1", "ConfigMap", "seen")
  if not gone and err.status ~= 404 then log.warn("not deleted", { why = err.message }) end
end`,
    }),
    entry('apply', {
      summary:
        'Makes an object be as said (server-side apply with force): members that are not named stay as others set them. The field manager is `moonhook-` and the name of the function.',
      parameters: [
        apiVersion,
        kind,
        name,
        written('what is to hold'),
        options('{namespace?: string, subresource?: string}?', place),
      ],
      returns: [object, err],
      example: `return function(event)
  local applied, err = k8s.apply("v1", "ConfigMap", "release", { data = { version = "1.2.3" } })
  return applied and applied.metadata.resourceVersion or { status = 502, body = err.message }
end`,
    }),
    entry('logs', {
      summary: 'Reads the last lines of the log of a container.',
      parameters: [
        { name: 'pod', type: 'string', description: 'name of the pod' },
        options(
          '{namespace?: string, container?: string, previous?: boolean, tail?: integer}?',
          '`container` (needed if there are several), `previous` (of the container before its restart), `tail` (lines, default 100, at most 10,000)',
        ),
      ],
      returns: [{ name: 'text', type: 'string?', description: 'the lines' }, err],
      example: `return function()
  local text, err = k8s.logs("web-0", { tail = 20 })
  return text or { status = 502, body = err.message }
end`,
    }),
  ];
}
