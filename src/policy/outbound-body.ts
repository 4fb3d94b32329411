/** Reads a response body within a byte limit that counts what comes out of decompression. */
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { GatheredBytes } from './gather-bytes.ts';
import { refuse, type OutboundVerdict } from './outbound-types.ts';

export type BodyResult = { readonly ok: true; readonly body: Uint8Array } | (OutboundVerdict & { readonly ok: false });

export interface BodyLimits {
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  readonly received?: (bytes: number) => void;
}

/** The encodings the guard asks for; `deflate` is understood but not asked for, servers disagree on what it is. */
export const acceptEncoding = 'gzip, br';

class TooLarge extends Error {}

/** Collects a body; a body over the limit destroys the stream. Network failures reject. */
export async function readBody(
  stream: Readable,
  encodings: readonly string[],
  limits: BodyLimits,
): Promise<BodyResult> {
  const encoding = encodings.flatMap((value) => value.split(',')).map((value) => value.trim().toLowerCase());
  const applied = encoding.filter((value) => value !== '' && value !== 'identity');
  const decoder = createDecoder(applied);
  if (decoder === 'unknown') {
    stream.on('error', () => undefined).destroy();
    return refuse('encoding', `the response has the content encoding "${applied.join(', ').slice(0, 64)}"`);
  }
  const gathered = new GatheredBytes();
  const collect = async (source: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const chunk of source) {
      if (gathered.size + chunk.length > limits.maxBytes) throw new TooLarge();
      limits.received?.(chunk.length);
      gathered.add(chunk);
    }
  };
  try {
    if (decoder === undefined) await pipeline(stream, collect, { signal: limits.signal });
    else await pipeline(stream, decoder, collect, { signal: limits.signal });
  } catch (error) {
    if (error instanceof TooLarge) return refuse('size', `the response is larger than ${limits.maxBytes} bytes`);
    if (isZlibError(error)) return refuse('encoding', `the response is not valid ${applied.join(', ')}`);
    throw error;
  }
  return { ok: true, body: gathered.all() };
}

/** The first bytes of a body, as they are; the rest is given up. Network failures before that reject. */
export async function readStart(stream: Readable, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    chunks.push(chunk.subarray(0, maxBytes - size));
    size += chunk.length;
    if (size >= maxBytes) break;
  }
  return Buffer.concat(chunks);
}

function createDecoder(encodings: readonly string[]): ReturnType<typeof createGunzip> | undefined | 'unknown' {
  const [encoding, ...more] = encodings;
  if (encoding === undefined) return undefined;
  if (more.length > 0) return 'unknown';
  if (encoding === 'gzip' || encoding === 'x-gzip') return createGunzip();
  if (encoding === 'deflate') return createInflate();
  if (encoding === 'br') return createBrotliDecompress();
  return 'unknown';
}

function isZlibError(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code.startsWith('Z_') || code.startsWith('ERR_BROTLI') || code.startsWith('ERR__ERROR_FORMAT');
}
