/** What Lua may call, from the host's catalogue: the reference page, the definitions for lua-language-server, its settings. */
import { createCatalogue } from '../src/host/catalogue.ts';
import { documentedTypes, type DocumentedType } from '../src/host/documented-types.ts';
import type { DocumentedValue, HostEntry, HostModule } from '../src/host/types.ts';
import { globals, libraries, replaced } from '../src/lua/environment.ts';

const pageIntro = `# What a function may call

Lua 5.4 with the libraries at the end of this page, and the functions below. Everything looks synchronous: a function that waits lets other
calls run meanwhile. Operations that talk to the outside answer \`nil, err\` when they fail, where \`err\` is a table with \`message\` and what
else is known; it prints as its message, so \`assert(http.get(url))\` and \`"failed: " .. err\` work. Misuse (a wrong type, an unknown option)
raises an error at the line that did it; in a tail call, \`return kv.set(…)\`, Lua has forgotten the line of a function that may fail or wait,
and the error names the function alone. While a module's top level runs there is no clock, no randomness and nothing that waits.

Editors with lua-language-server complete and check all of it with \`moonhook.d.lua\` and the settings in \`.luarc.json\`, both beside this
page: copy them into the folder of your functions.

This page is generated from \`src/host\`.
`;

/** Text in a table cell. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function valueTable(values: readonly DocumentedValue[]): string {
  const rows = values.map(
    (value) => `| \`${cell(value.name)}\` | \`${cell(value.type)}\` | ${cell(value.description)} |`,
  );
  return ['| name | type | |', '|---|---|---|', ...rows].join('\n');
}

function signature(entry: HostEntry): string {
  if (entry.value === true) return entry.name;
  const results = entry.returns.map((value) => value.name).join(', ');
  return `${entry.name}(${entry.parameters.map((value) => value.name).join(', ')})${results === '' ? '' : ` → ${results}`}`;
}

function entrySection(entry: HostEntry): string {
  const { implementation } = entry;
  const parts = [`### ${entry.name}`, '```', signature(entry), '```', entry.summary];
  if (entry.parameters.length > 0) parts.push('Parameters:', valueTable(entry.parameters));
  if (entry.returns.length > 0) parts.push(entry.value === true ? 'Value:' : 'Returns:', valueTable(entry.returns));
  if (entry.errors.length > 0) parts.push(`Errors: ${entry.errors.join('; ')}.`);
  if ('run' in implementation && implementation.kind === 'waiting') {
    parts.push('Waits: counts as a host call, not available in filters and in code that must not wait.');
  } else if ('run' in implementation && !implementation.atLoad) parts.push('Not available while a module loads.');
  if (entry.caps !== 'none') parts.push(`Limits: ${entry.caps}.`);
  parts.push('```lua', entry.example, '```');
  return joinParts(parts);
}

/** Blank lines between paragraphs, none inside of code. */
function joinParts(parts: readonly string[]): string {
  let out = '';
  let inCode = false;
  for (const part of parts) {
    out += `${out === '' ? '' : inCode ? '\n' : '\n\n'}${part}`;
    if (part.startsWith('```')) inCode = !inCode;
  }
  return out;
}

function moduleSection(module: HostModule): string {
  const title = module.name === '' ? '' : `## ${module.name}\n\n${module.summary}\n\n`;
  return `${title}${module.entries.map(entrySection).join('\n\n')}\n`;
}

function typeSection(type: DocumentedType): string {
  return `### ${type.name}\n\n${type.summary}\n\n${valueTable(type.fields)}\n`;
}

function libraryList(): string {
  const names = new Map<string, string[]>();
  for (const [library, members] of Object.entries(libraries)) names.set(library, [...members]);
  const plain = [...globals];
  for (const name of replaced) {
    const [library = '', member] = name.split('.');
    if (member === undefined) plain.push(library);
    else names.set(library, [...(names.get(library) ?? []), member]);
  }
  const line = (title: string, members: readonly string[]): string =>
    `| ${title} | ${[...new Set(members)]
      .sort()
      .map((name) => `\`${name}\``)
      .join(' ')} |`;
  return [
    '| library | |',
    '|---|---|',
    line('globals', plain),
    ...[...names].map(([name, list]) => line(`\`${name}\``, list)),
  ].join('\n');
}

function page(modules: readonly HostModule[]): string {
  const sections = [
    pageIntro,
    '## Globals\n',
    ...modules.filter((module) => module.name === '').map(moduleSection),
    ...modules.filter((module) => module.name !== '').map(moduleSection),
    '## Tables\n',
    ...documentedTypes.map(typeSection),
    `## Lua's own libraries

\`load\` takes text only; \`require\` knows the function's modules and every module of this page (\`require "cjson"\`, \`require "cjson.safe"\`
as well); \`print\` writes to the call's log; \`os.time\` and \`os.date\` are UTC; \`collectgarbage\` knows only \`"count"\`; \`setmetatable\` refuses
\`__gc\`. \`unpack\`, \`loadstring\`, \`table.getn\` and \`math.pow\` are there for code written for Lua 5.1.

${libraryList()}
`,
  ];
  return sections.join('\n');
}

/** A description in a comment of the definitions, on one line. */
const oneLine = (text: string): string => text.replaceAll('\n', ' ');

function metaFunction(entry: HostEntry): string {
  const lines = [
    `---${oneLine(entry.summary)}`,
    '---',
    ...entry.errors.map((error) => `--- * ${oneLine(error)}`),
    '---',
    '---```lua',
  ];
  lines.push(...entry.example.split('\n').map((line) => `---${line}`), '---```');
  if (entry.value === true) {
    const [value] = entry.returns;
    return [...lines, `---@type ${value?.type ?? 'any'}`, `${entry.name} = nil`].join('\n');
  }
  for (const { name, type, description } of entry.parameters) {
    const optional = type.endsWith('?');
    lines.push(
      `---@param ${name}${optional ? '?' : ''} ${optional ? type.slice(0, -1) : type} # ${oneLine(description)}`,
    );
  }
  for (const { name, type, description } of entry.returns)
    lines.push(`---@return ${type} ${name} # ${oneLine(description)}`);
  return [...lines, `function ${entry.name}(${entry.parameters.map(({ name }) => name).join(', ')}) end`].join('\n');
}

function metaModule(module: HostModule): string {
  const parts: string[] = [];
  if (module.name !== '')
    parts.push(
      [`---${oneLine(module.summary)}`, `---@class moonhook.module.${module.name}`, `${module.name} = {}`].join('\n'),
    );
  for (const name of module.further ?? []) parts.push(`---@type any\n${module.name}.${name} = nil`);
  return [...parts, ...module.entries.map(metaFunction)].join('\n\n');
}

function metaType(type: DocumentedType): string {
  return [
    `---${oneLine(type.summary)}`,
    `---@class ${type.name}`,
    ...type.fields.map(
      ({ name, type: fieldType, description }) => `---@field ${name} ${fieldType} # ${oneLine(description)}`,
    ),
  ].join('\n');
}

function meta(modules: readonly HostModule[]): string {
  return `${['---@meta moonhook', ...documentedTypes.map(metaType), ...modules.map(metaModule)].join('\n\n')}\n`;
}

/** Libraries that do not exist for a function are switched off. */
function languageServerSettings(modules: readonly HostModule[]): string {
  return `${JSON.stringify(
    {
      $schema: 'https://raw.githubusercontent.com/LuaLS/vscode-lua/master/setting/schema.json',
      'runtime.version': 'Lua 5.4',
      'runtime.builtin': {
        io: 'disable',
        package: 'disable',
        ffi: 'disable',
        jit: 'disable',
        bit: 'disable',
        bit32: 'disable',
      },
      'workspace.library': ['./moonhook.d.lua'],
      'diagnostics.globals': [
        ...modules.map((module) => module.name).filter((name) => name !== ''),
        'unpack',
        'loadstring',
      ],
    },
    undefined,
    2,
  )}\n`;
}

/** The generated files. */
export function generateHostDocs(): ReadonlyMap<string, string> {
  const modules = createCatalogue();
  return new Map([
    ['docs/reference/lua-api.md', page(modules)],
    ['docs/reference/moonhook.d.lua', meta(modules)],
    ['docs/reference/.luarc.json', languageServerSettings(modules)],
  ]);
}
