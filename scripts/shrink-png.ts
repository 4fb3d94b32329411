/** Makes pictures of a page small: at most 256 colours by their frequency, the rest by the nearest of them (PNG, ISO/IEC 15948). */
import { crc32, deflateSync, inflateSync } from 'node:zlib';

const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
const paletteSize = 256;

interface Pixels {
  readonly width: number;
  readonly height: number;
  /** 0xRRGGBB of each. */
  readonly colours: Uint32Array;
}

/** A PNG of 8 bits for each of red, green, blue (and alpha, which is dropped), as browsers write it. */
export function shrinkPng(png: Buffer): Buffer {
  const pixels = decode(png);
  const palette = choosePalette(pixels.colours);
  return encode(pixels, palette);
}

/** Width and height of a PNG. */
export function sizeOfPng(png: Buffer): { readonly width: number; readonly height: number } {
  return { width: png.readUInt32BE(16), height: png.readUInt32BE(20) };
}

function decode(png: Buffer): Pixels {
  if (!png.subarray(0, 8).equals(signature)) throw new Error('this is no PNG');
  const { width, height } = sizeOfPng(png);
  const [depth, type, , , interlaced] = png.subarray(24, 29);
  if (depth !== 8 || (type !== 2 && type !== 6) || interlaced !== 0) throw new Error('a PNG of another form');
  const data: Buffer[] = [];
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at);
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') data.push(png.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  const bytes = type === 2 ? 3 : 4;
  const rows = unfilter(inflateSync(Buffer.concat(data)), width * bytes, height, bytes);
  const colours = new Uint32Array(width * height);
  for (let index = 0; index < colours.length; index += 1) {
    const at = index * bytes;
    colours[index] = ((rows[at] ?? 0) << 16) | ((rows[at + 1] ?? 0) << 8) | (rows[at + 2] ?? 0);
  }
  return { width, height, colours };
}

/** Undoes the filters of the rows (§9.2). */
function unfilter(filtered: Buffer, stride: number, height: number, bytes: number): Uint8Array {
  const rows = new Uint8Array(stride * height);
  for (let row = 0; row < height; row += 1) {
    const filter = filtered[row * (stride + 1)];
    for (let column = 0; column < stride; column += 1) {
      const at = row * stride + column;
      const left = column >= bytes ? (rows[at - bytes] ?? 0) : 0;
      const above = row > 0 ? (rows[at - stride] ?? 0) : 0;
      const corner = row > 0 && column >= bytes ? (rows[at - stride - bytes] ?? 0) : 0;
      const raw = filtered[row * (stride + 1) + 1 + column] ?? 0;
      const predicted = [0, left, above, (left + above) >> 1, paeth(left, above, corner)][filter ?? 0] ?? 0;
      rows[at] = raw + predicted;
    }
  }
  return rows;
}

function paeth(left: number, above: number, corner: number): number {
  const estimate = left + above - corner;
  const [a, b, c] = [Math.abs(estimate - left), Math.abs(estimate - above), Math.abs(estimate - corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? above : corner;
}

interface Palette {
  readonly colours: readonly number[];
  /** Place in the palette by colour. */
  readonly places: ReadonlyMap<number, number>;
}

function choosePalette(pixels: Uint32Array): Palette {
  const counts = new Map<number, number>();
  for (const colour of pixels) counts.set(colour, (counts.get(colour) ?? 0) + 1);
  const byCount = [...counts].toSorted(([, one], [, other]) => other - one).map(([colour]) => colour);
  const colours = chosenColours(byCount);
  const places = new Map(byCount.map((colour) => [colour, nearest(colour, colours)]));
  return { colours, places };
}

/** The most frequent ones that are no near relatives: a rare colour of its own kind is not lost among shades of grey. */
function chosenColours(byCount: readonly number[]): readonly number[] {
  if (byCount.length <= paletteSize) return byCount;
  for (let least = 16; ; least *= 1.5) {
    const chosen: number[] = [];
    for (const colour of byCount) {
      const near = chosen.some((other) => distance(colour, other) < least);
      if (!near) chosen.push(colour);
      if (chosen.length > paletteSize) break;
    }
    if (chosen.length <= paletteSize) return chosen;
  }
}

function nearest(colour: number, colours: readonly number[]): number {
  let best = 0;
  let least = Infinity;
  for (const [index, other] of colours.entries()) {
    const far = distance(colour, other);
    if (far < least) [best, least] = [index, far];
  }
  return best;
}

/** Squared, with the weights of the eye. */
function distance(one: number, other: number): number {
  const red = (one >> 16) - (other >> 16);
  const green = ((one >> 8) & 255) - ((other >> 8) & 255);
  const blue = (one & 255) - (other & 255);
  return 2 * red * red + 4 * green * green + 3 * blue * blue;
}

function encode({ width, height, colours }: Pixels, palette: Palette): Buffer {
  const rows = Buffer.alloc((width + 1) * height);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      rows[row * (width + 1) + 1 + column] = palette.places.get(colours[row * width + column] ?? 0) ?? 0;
    }
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3, 0, 0, 0], 8);
  const table = Buffer.from(palette.colours.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]));
  return Buffer.concat([
    signature,
    chunk('IHDR', head),
    chunk('PLTE', table),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(name: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}
