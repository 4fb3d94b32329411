/** Turns the text of one file into the resources of local mode, or into what is wrong with them and where. */
import { isObject } from '../function/is-object.ts';
import type { WebhookSubscription } from '../function/subscription-types.ts';
import { apiVersion, type WebhookFunction } from '../function/types.ts';
import { formatPath } from '../function/mistakes.ts';
import { didYouMean } from '../function/suggest.ts';
import type { CodeOrigin } from '../routing/types.ts';
import { codeAlone } from './code-alone.ts';
import { codeFilesOf, codeOriginsOf } from './code-files.ts';
import type { Diagnostic, Severity } from './diagnostic.ts';
import type { DocumentPlaces, FieldPath } from './document-places.ts';
import { parseYaml, type YamlDocument } from './parse-yaml.ts';
import { readConfiguration } from './read-configuration.ts';
import type {
  ConfigurationDocument,
  DocumentBase,
  FileReading,
  FunctionDocument,
  SourceDocument,
} from './source-documents.ts';

/** One finding of the schema check, with the path inside the resource. */
export interface SchemaFinding {
  readonly path: FieldPath;
  readonly severity: Severity;
  readonly message: string;
  readonly hint?: string;
}

/** Checks a value against the schema of its kind and its rules. */
export type CheckFunction = (value: Readonly<Record<string, unknown>>) => readonly SchemaFinding[];

const ownKinds = ['WebhookFunction', 'WebhookSubscription', 'ConfigMap', 'Secret'] as const;
type OwnKind = (typeof ownKinds)[number];
const namePattern = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const longestName = 253;
const labelPattern = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;

/** Reads every document of a file; what is not ours is passed over with a note. */
export function readDocuments(file: string, text: string, check: CheckFunction): FileReading {
  const parsed = parseYaml(file, text);
  const reader = new DocumentReader(file, check);
  for (const document of parsed.documents) reader.read(document);
  return {
    documents: reader.documents,
    broken: reader.broken,
    brokenConfiguration: reader.brokenConfiguration,
    codeOfBroken: reader.codeOfBroken,
    unreadable: reader.unreadable || parsed.mistakes.length > 0,
    diagnostics: [...parsed.mistakes, ...reader.diagnostics],
  };
}

type Fields = Readonly<Record<string, unknown>>;

class DocumentReader {
  readonly documents: SourceDocument[] = [];
  readonly broken: string[] = [];
  readonly brokenConfiguration: ConfigurationDocument[] = [];
  readonly codeOfBroken: FunctionDocument[] = [];
  readonly diagnostics: Diagnostic[] = [];
  unreadable = false;
  readonly #file: string;
  readonly #check: CheckFunction;

  constructor(file: string, check: CheckFunction) {
    this.#file = file;
    this.#check = check;
  }

  read(document: YamlDocument): void {
    this.#readValue(document, document.value, []);
  }

  #readValue(document: YamlDocument, value: unknown, prefix: FieldPath): void {
    const fields = fieldsOf(value);
    if (!fields) {
      this.#say(document, 'note', prefix, 'not a Kubernetes object: passed over');
      return;
    }
    if (fields['kind'] === 'List' && fields['apiVersion'] === 'v1' && Array.isArray(fields['items'])) {
      for (const [index, item] of fields['items'].entries())
        this.#readValue(document, item, [...prefix, 'items', index]);
      return;
    }
    const kind = this.#kindOf(document, fields, prefix);
    if (kind !== undefined) this.#readOwn(document, kind, fields, prefix);
  }

  /** The kind if it is one of ours; else says why the document is passed over, or what was probably meant. */
  #kindOf(document: YamlDocument, fields: Fields, prefix: FieldPath): OwnKind | undefined {
    const { kind, apiVersion: version } = fields;
    if (typeof kind !== 'string') {
      if (kind === undefined && (version === apiVersion || fieldsOf(fields['spec'])?.['triggers'] !== undefined)) {
        this.#fail(document, prefix, 'the field "kind" is missing', 'write kind: WebhookFunction');
      } else {
        this.#say(document, 'note', prefix, 'not a Kubernetes object (it has no kind): passed over');
      }
      return undefined;
    }
    const own = ownKinds.find((name) => name === kind);
    const ours = own === 'WebhookFunction' || own === 'WebhookSubscription';
    const expected = ours ? apiVersion : 'v1';
    if (own !== undefined && version === expected) return own;
    const group = typeof version === 'string' ? (version.split('/')[0] ?? '') : '';
    if (ours || (own !== undefined && (typeof version !== 'string' || group === 'moonhook.dev'))) {
      const found =
        version === undefined ? 'the field "apiVersion" is missing' : `${kind} is not of ${JSON.stringify(version)}`;
      this.#fail(
        document,
        version === undefined ? prefix : [...prefix, 'apiVersion'],
        found,
        `write apiVersion: ${expected}`,
      );
      return undefined;
    }
    const meant = own === undefined ? didYouMean(kind, ownKinds) : undefined;
    if (group === 'moonhook.dev' || (meant !== undefined && (version === 'v1' || version === undefined))) {
      this.#fail(document, [...prefix, 'kind'], `unknown kind "${kind}"`, meant ?? 'write kind: WebhookFunction');
      return undefined;
    }
    this.#say(document, 'note', [...prefix, 'kind'], `${kind} is not a kind of a local run: passed over`);
    return undefined;
  }

  #readOwn(document: YamlDocument, kind: OwnKind, fields: Fields, prefix: FieldPath): void {
    const metadata = fieldsOf(fields['metadata']) ?? {};
    const { name } = metadata;
    const namespace = metadata['namespace'] ?? 'default';
    if (typeof name !== 'string' || !namePattern.test(name) || name.length > longestName) {
      this.#failName(document, fields, prefix);
      return;
    }
    if (typeof namespace !== 'string' || !labelPattern.test(namespace) || namespace.length > 63) {
      const found = `${JSON.stringify(namespace)} is not a namespace`;
      this.#fail(document, [...prefix, 'metadata', 'namespace'], found, 'a namespace is made of a-z, 0-9 and `-`');
      return;
    }
    const identity = `${kind}/${namespace}/${name}`;
    const before = this.diagnostics.length;
    // A List is checked once, with its first item: its places are those of the whole document.
    if (prefix.length === 0 || prefix.at(-1) === 0) this.diagnostics.push(...document.checkVersions());
    const { line } = document.places.placeOf(prefix);
    const base = { namespace, name, identity, file: this.#file, line };
    const ours = kind === 'WebhookFunction' || kind === 'WebhookSubscription';
    const findings = ours ? this.#check(fields) : [];
    for (const finding of findings) this.#find(document, prefix, finding);
    const configuration = ours ? undefined : readConfiguration(kind, fields);
    for (const mistake of configuration?.mistakes ?? [])
      this.#find(document, prefix, { severity: 'error', ...mistake });
    const isBroken = this.diagnostics.slice(before).some(({ severity }) => severity === 'error');
    if (isBroken) {
      this.broken.push(identity);
      const code = kind === 'WebhookFunction' ? codeAlone(fields, findings) : undefined;
      if (code !== undefined) this.codeOfBroken.push(this.#functionOf(document, base, code, prefix));
      if (kind === 'ConfigMap' || kind === 'Secret')
        this.brokenConfiguration.push({ ...base, kind, entries: new Map(), labels: {}, hasErrors: true });
    } else if (kind === 'WebhookFunction') {
      this.documents.push(this.#functionOf(document, base, fields as unknown as WebhookFunction, prefix));
    } else if (kind === 'WebhookSubscription') {
      const expressionOrigins = expressionOriginsOf(this.#file, document.places, prefix);
      const resource = fields as unknown as WebhookSubscription;
      this.documents.push({ ...base, kind, resource, places: document.laterPlaces, expressionOrigins, prefix });
    } else if (configuration !== undefined) {
      const { entries } = configuration;
      const type = typeof fields['type'] === 'string' ? { type: fields['type'] } : {};
      this.documents.push({ ...base, kind, entries, labels: labelsOf(metadata), ...type });
    }
  }

  #failName(document: YamlDocument, fields: Fields, prefix: FieldPath): void {
    const { name } = fieldsOf(fields['metadata']) ?? {};
    const misspelt = Object.keys(fields).find((key) => key !== 'metadata' && didYouMean(key, ['metadata']));
    const rule = `a name is made of a-z, 0-9, \`-\` and \`.\`, at most ${longestName} characters`;
    if (fields['metadata'] === undefined && misspelt !== undefined) {
      this.#fail(document, [...prefix, misspelt], `unknown field "${misspelt}"`, 'did you mean "metadata"?');
      return;
    }
    const shown =
      typeof name === 'string' && name.length > longestName
        ? `text of ${name.length} characters`
        : JSON.stringify(name);
    const found = name === undefined ? 'the field "metadata.name" is missing' : `${shown} is not a name`;
    this.#fail(document, [...prefix, 'metadata', 'name'], found, rule);
  }

  #functionOf(
    document: YamlDocument,
    base: DocumentBase,
    resource: WebhookFunction,
    prefix: FieldPath,
  ): FunctionDocument {
    const { places, laterPlaces } = document;
    const codeOrigins = codeOriginsOf({ file: this.#file, resource, places, prefix });
    const codeFiles = codeFilesOf({ file: this.#file, resource });
    return { ...base, kind: 'WebhookFunction', resource, places: laterPlaces, codeOrigins, codeFiles, prefix };
  }

  #find(document: YamlDocument, prefix: FieldPath, finding: SchemaFinding): void {
    const path = [...prefix, ...finding.path];
    const place = document.places.placeOf(path);
    this.diagnostics.push({
      severity: finding.severity,
      file: this.#file,
      ...place,
      ...(finding.path.length === 0 ? {} : { path: formatPath(finding.path) }),
      message: finding.message,
      ...(finding.hint === undefined ? {} : { hint: finding.hint }),
    });
  }

  /** An error in a document that cannot be named: everything the file held stays. */
  #fail(document: YamlDocument, path: FieldPath, message: string, hint: string): void {
    this.unreadable = true;
    this.#say(document, 'error', path, message, hint);
  }

  #say(document: YamlDocument, severity: Severity, path: FieldPath, message: string, hint?: string): void {
    const place = document.places.placeOf(path);
    this.diagnostics.push({ severity, file: this.#file, ...place, message, ...(hint === undefined ? {} : { hint }) });
  }
}

function fieldsOf(value: unknown): Fields | undefined {
  return isObject(value) ? value : undefined;
}

function labelsOf(metadata: Fields): Readonly<Record<string, string>> {
  const labels = fieldsOf(metadata['labels']) ?? {};
  return Object.fromEntries(
    Object.entries(labels).flatMap(([key, value]) => (typeof value === 'string' ? [[key, value]] : [])),
  );
}

const expressionPaths: readonly FieldPath[] = [
  ['spec', 'filter'],
  ['spec', 'transform'],
  ['spec', 'ordered', 'key'],
];

/** Where the Lua of a subscription stands; absent where lines are not lines of a file. */
function expressionOriginsOf(file: string, places: DocumentPlaces, prefix: FieldPath): ReadonlyMap<string, CodeOrigin> {
  const origins = new Map<string, CodeOrigin>();
  for (const path of expressionPaths) {
    const origin = places.textOrigin([...prefix, ...path]);
    if (origin !== undefined) origins.set(path.join('.'), { file, ...origin });
  }
  return origins;
}
