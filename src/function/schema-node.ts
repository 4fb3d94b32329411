/** What a schema of a resource is made of: the OpenAPI v3 subset of CRDs plus what only our own checks read. */

/** A cross-field rule as one item of data: the same sentence for the API server (CEL) and for files (`check`). */
export interface Rule {
  /** CEL over `self` (and `oldSelf` for a transition rule). Never walks code. */
  readonly cel: string;
  /** What a user reads in both worlds. */
  readonly message: string;
  /** The same decision in TypeScript; `before` is the value of the last accepted document, where there is one. */
  check(self: Readonly<Record<string, unknown>>, before?: Readonly<Record<string, unknown>>): boolean;
}

export interface SchemaNode {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly description?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode;
  readonly required?: readonly string[];
  readonly items?: SchemaNode;
  readonly enum?: readonly (string | number)[];
  readonly pattern?: string;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly default?: unknown;
  readonly 'x-kubernetes-int-or-string'?: true;
  readonly 'x-kubernetes-preserve-unknown-fields'?: true;
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: 'atomic' | 'granular';
  /** Cross-field rules of this object. */
  readonly rules?: readonly Rule[];
  /** A field of local files; the CRD leaves it out. */
  readonly localOnly?: true;
  /** What a value of `pattern` looks like, for people: `a duration such as 500ms, 10s or 5m`. */
  readonly expected?: string;
}

/** An object whose fields are all named. */
export function object(
  description: string,
  properties: Readonly<Record<string, SchemaNode>>,
  more: Partial<SchemaNode> = {},
): SchemaNode {
  return { type: 'object', description, properties, ...more };
}

/** A list that is replaced as a whole by server-side apply. */
export function list(
  description: string,
  items: SchemaNode,
  maxItems: number,
  more: Partial<SchemaNode> = {},
): SchemaNode {
  return { type: 'array', description, items, maxItems, 'x-kubernetes-list-type': 'atomic', ...more };
}

/** A list without repetitions of scalars. */
export function set(
  description: string,
  items: SchemaNode,
  maxItems: number,
  more: Partial<SchemaNode> = {},
): SchemaNode {
  return { ...list(description, items, maxItems, more), 'x-kubernetes-list-type': 'set' };
}

/** A list of objects told apart by one field: server-side apply merges it item by item. */
export function listMap(description: string, items: SchemaNode, maxItems: number, key: string): SchemaNode {
  return {
    ...list(description, items, maxItems),
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': [key],
  };
}

/** A text with an upper bound in characters. */
export function text(description: string, maxLength: number, more: Partial<SchemaNode> = {}): SchemaNode {
  return { type: 'string', description, maxLength, ...more };
}

/** One of a few words. */
export function oneOf(description: string, values: readonly string[]): SchemaNode {
  return { type: 'string', description, enum: values };
}

export function flag(description: string): SchemaNode {
  return { type: 'boolean', description };
}

export function integer(description: string, minimum: number, maximum: number): SchemaNode {
  return { type: 'integer', description, minimum, maximum };
}

/** A rule that exactly one of the fields is set. */
export function exactlyOne(fields: readonly string[], message: string): Rule {
  return {
    cel: `[${fields.map((field) => `has(self.${field})`).join(', ')}].exists_one(x, x)`,
    message,
    check: (self) => fields.filter((field) => isSet(self, field)).length === 1,
  };
}

/** Whether CEL's `has(self.field)` holds for a parsed document. */
export function isSet(self: Readonly<Record<string, unknown>>, field: string): boolean {
  return Object.hasOwn(self, field) && self[field] !== undefined && self[field] !== null;
}
