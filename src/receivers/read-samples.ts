/** Sample payloads of each sender, in the shape its documentation gives them: data for `send`, the tests and the console. */
import { readFileSync } from 'node:fs';

export interface SamplePayload {
  /** In the sender's words, as `identify` names it. */
  readonly event: string;
  readonly body: Buffer;
}

interface SampleFile {
  readonly event: string;
  /** A body of JSON; what form senders make a form of. */
  readonly body?: unknown;
  /** A body of another kind, exact; empty: the receiver makes it itself. */
  readonly text?: string;
}

/** The samples of a receiver of the catalogue, the first being the usual one. */
export function readSamples(receiver: string): readonly SamplePayload[] {
  const file = new URL(`./samples/${receiver}.json`, import.meta.url);
  const samples = JSON.parse(readFileSync(file, 'utf8')) as readonly SampleFile[];
  return samples.map(({ event, body, text }) => ({ event, body: Buffer.from(text ?? JSON.stringify(body)) }));
}

/** The sample of an event, or the first one where there is none of that name. */
export function sampleOf(receiver: string, event: string | undefined): SamplePayload | undefined {
  const samples = readSamples(receiver);
  return samples.find((sample) => sample.event === event) ?? samples[0];
}
