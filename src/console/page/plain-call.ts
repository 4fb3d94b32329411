/** The parts of a call record that the page shows; the rest is shown as it comes. */

export interface PlainHostCall {
  readonly name?: string;
  readonly summary?: string;
  readonly startMs: number;
  readonly durationMs: number;
  readonly ok?: boolean;
}

export interface PlainCall {
  readonly callId: string;
  readonly time: number;
  readonly outcome: string;
  readonly status?: number;
  readonly durationMs: number;
  readonly cpuMs?: number;
  readonly memoryPeakBytes?: number;
  readonly trigger?: string;
  readonly eventName?: string;
  readonly error?: { readonly message?: string; readonly line?: number; readonly file?: string };
  readonly log?: readonly { readonly at: number; readonly level: string; readonly message: string }[];
  readonly hostCalls?: readonly PlainHostCall[];
}
