/** Many patterns of event types at once: exact types in a map, `a.b.*` in a tree of parts. Cost: the parts of the type. */
import type { EventPattern } from './event-pattern.ts';

interface Branch<Value> {
  readonly branches: Map<string, Branch<Value>>;
  /** Of the pattern that ends here with `*`. */
  readonly values: Set<Value>;
}

export class EventIndex<Value> {
  readonly #exact = new Map<string, Set<Value>>();
  readonly #root: Branch<Value> = { branches: new Map(), values: new Set() };

  add(pattern: EventPattern, value: Value): void {
    if (pattern.prefix !== undefined) {
      this.#branchOf(pattern.prefix).values.add(value);
      return;
    }
    const known = this.#exact.get(pattern.text);
    if (known === undefined) this.#exact.set(pattern.text, new Set([value]));
    else known.add(value);
  }

  delete(pattern: EventPattern, value: Value): void {
    if (pattern.prefix !== undefined) {
      this.#remove(this.#root, partsOf(pattern.prefix), 0, value);
      return;
    }
    const known = this.#exact.get(pattern.text);
    known?.delete(value);
    if (known?.size === 0) this.#exact.delete(pattern.text);
  }

  get isEmpty(): boolean {
    return this.#exact.size === 0 && this.#root.branches.size === 0 && this.#root.values.size === 0;
  }

  /** Values whose pattern wants the type; one that stands under several of them comes once. */
  match(type: string): ReadonlySet<Value> {
    const found = new Set<Value>(this.#exact.get(type));
    let branch: Branch<Value> | undefined = this.#root;
    // `*` stands for one or more parts, so the type itself is no match of `type.*`.
    for (let start = 0; ;) {
      for (const value of branch.values) found.add(value);
      const dot: number = type.indexOf('.', start);
      if (dot === -1 || dot === type.length - 1) return found;
      branch = branch.branches.get(type.slice(start, dot));
      if (branch === undefined) return found;
      start = dot + 1;
    }
  }

  #branchOf(prefix: string): Branch<Value> {
    let branch = this.#root;
    for (const part of partsOf(prefix)) {
      let next = branch.branches.get(part);
      if (next === undefined) branch.branches.set(part, (next = { branches: new Map(), values: new Set() }));
      branch = next;
    }
    return branch;
  }

  /** Leaves no empty branch behind: patterns come and go with every edit. */
  #remove(branch: Branch<Value>, parts: readonly string[], depth: number, value: Value): void {
    const part = parts[depth];
    if (part === undefined) {
      branch.values.delete(value);
      return;
    }
    const next = branch.branches.get(part);
    if (next === undefined) return;
    this.#remove(next, parts, depth + 1, value);
    if (next.values.size === 0 && next.branches.size === 0) branch.branches.delete(part);
  }
}

/** The prefix of `a.b.*` is `a.b.`, that of `*` is empty. */
function partsOf(prefix: string): readonly string[] {
  return prefix === '' ? [] : prefix.slice(0, -1).split('.');
}
