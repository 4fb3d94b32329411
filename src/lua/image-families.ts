/**
 * What images of functions written alike have in common is kept once, and is in the caches whichever of them is called; of
 * each function only what is its own is kept beside those of others, a third of its image and less.
 */
import { countBits, longestRun, type CommonImage, type Delta, type Ground } from './image.ts';
import { heapBase, writableStart } from './layout.ts';

/** Each image that is kept is compared with so many. */
const mostFamilies = 4;
/** An image belongs to a family if so much of it is common. */
const leastCommon = 0.5;

/** The memory that images are a difference over. */
type Over = Pick<Ground, 'writable' | 'heap'>;

/** Words of memory with their values, in order of their addresses. */
interface Words {
  readonly at: readonly number[];
  readonly values: readonly number[];
}

interface Family extends Words {
  readonly image: CommonImage;
}

/** Of the images over one ground. A family holds only what two functions had in common when it was founded. */
export class ImageFamilies {
  readonly #families: Family[] = [];
  /** The last images that belonged to none. */
  #singles: readonly Words[] = [];

  /** The same image over what it has in common with a family, or as it is. */
  reduce(image: Delta, ground: Over): Delta {
    if (image.tail !== undefined || image.movesStill || image.under !== undefined) return image;
    const words = readWords(image);
    for (const family of this.#families) {
      const own = writeRuns(difference(words, family, ground));
      if (own.length < (image.to - image.from) * (1 - leastCommon)) {
        return { ...image, runs: own, from: 0, to: own.length, under: family.image, bytes: own.byteLength };
      }
    }
    if (this.#families.length < mostFamilies) this.#found(words, ground);
    return image;
  }

  #found(words: Words, ground: Over): void {
    for (const single of this.#singles) {
      const common = commonOf(single, words);
      if (common.at.length < words.at.length * leastCommon) continue;
      this.#families.push({ ...common, image: layCommon(common, ground) });
      this.#singles = this.#singles.filter((other) => other !== single);
      return;
    }
    this.#singles = [words, ...this.#singles.slice(0, mostFamilies - 1)];
  }
}

/** An image that needs no family. */
export function wholeRuns(image: Delta): Int32Array {
  const { runs, from, to, under } = image;
  if (under === undefined) return runs.slice(from, to);
  const all = new Map(pairs(readRuns(under.runs, 0, under.runs.length)));
  for (const [word, value] of pairs(readWords(image))) all.set(word, value);
  const at = [...all.keys()].sort((one, other) => one - other);
  return writeRuns({ at, values: at.map((word) => all.get(word) ?? 0) });
}

function pairs({ at, values }: Words): (readonly [number, number])[] {
  return at.map((word, index) => [word, values[index] ?? 0]);
}

const readWords = ({ runs, from, to }: Delta): Words => readRuns(runs, from, to);

function readRuns(runs: Int32Array, from: number, to: number): Words {
  const at: number[] = [];
  const values: number[] = [];
  for (let next = from; next < to;) {
    const head = runs[next] ?? 0;
    next += 1;
    for (let word = head >>> countBits, left = head & longestRun; left > 0; left -= 1, word += 1, next += 1) {
      at.push(word);
      values.push(runs[next] ?? 0);
    }
  }
  return { at, values };
}

function writeRuns({ at, values }: Words): Int32Array {
  const runs: number[] = [];
  for (let index = 0, head = 0; index < at.length; index += 1) {
    const word = at[index] ?? 0;
    const length = runs.length - head - 1;
    if (index > 0 && at[index - 1] === word - 1 && length < longestRun) runs[head] = (runs[head] ?? 0) + 1;
    else {
      head = runs.length;
      runs.push((word << countBits) | 1);
    }
    runs.push(values[index] ?? 0);
  }
  return Int32Array.from(runs);
}

/** What has to be written over `under` to have `image`: what differs, and what only `under` changes of the ground. */
function difference(image: Words, under: Words, ground: Over): Words {
  const at: number[] = [];
  const values: number[] = [];
  const take = (word: number, value: number): void => void (at.push(word), values.push(value));
  for (let index = 0, below = 0; index < image.at.length || below < under.at.length;) {
    const word = image.at[index] ?? Number.POSITIVE_INFINITY;
    const lower = under.at[below] ?? Number.POSITIVE_INFINITY;
    const value = image.values[index] ?? 0;
    if (word < lower || (word === lower && value !== under.values[below])) take(word, value);
    else if (lower < word) take(lower, groundWord(ground, lower));
    if (word <= lower) index += 1;
    if (lower <= word) below += 1;
  }
  return { at, values };
}

function commonOf(one: Words, other: Words): Words {
  const values = new Map(pairs(one));
  const common = pairs(other).filter(([word, value]) => values.get(word) === value);
  return { at: common.map(([word]) => word), values: common.map(([, value]) => value) };
}

function groundWord(ground: Over, word: number): number {
  const [bytes, at] = placeOf(ground, word);
  return new DataView(bytes.buffer, bytes.byteOffset).getInt32(at, true);
}

/** The part of memory that a word lies in, and where: images that move what stands still are left as they are. */
function placeOf({ writable, heap }: Over, word: number): readonly [Uint8Array, number] {
  const byte = word * 4;
  return byte >= heapBase ? [heap, byte - heapBase] : [writable, byte - writableStart];
}

function layCommon(words: Words, ground: Over): CommonImage {
  const image = { writable: ground.writable.slice(), heap: ground.heap.slice(), runs: writeRuns(words) };
  for (const [word, value] of pairs(words)) {
    const [bytes, at] = placeOf(image, word);
    new DataView(bytes.buffer).setInt32(at, value, true);
  }
  return image;
}
