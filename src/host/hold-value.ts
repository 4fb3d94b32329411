/** Bytes of values that a call gives to the store: they count against the memory of the call and what its namespace may hold. */
import type { HostCall } from '../lua/types.ts';
import type { HostContext } from './types.ts';

/** Until the store has answered. */
export async function holdUntilStored<Answer>(
  call: HostCall<HostContext>,
  { length }: Uint8Array,
  store: () => Promise<Answer>,
): Promise<Answer> {
  call.hold(length);
  try {
    return await store();
  } finally {
    call.hold(-length);
  }
}

/** Until the store has answered, or until the call ends where what it writes is collected for its settle: also what a later write replaces. */
export async function holdUntilKept<Answer>(
  call: HostCall<HostContext>,
  value: Uint8Array,
  store: () => Promise<Answer>,
): Promise<Answer> {
  if (call.context.collects === undefined) return await holdUntilStored(call, value, store);
  call.hold(value.length);
  return await store();
}

/** As `read`; where what it reads stays for the settle, that counts until the call ends. */
export async function holdWhatIsRead<Answer>(
  call: HostCall<HostContext>,
  read: () => Promise<Answer>,
): Promise<Answer> {
  const answer = await read();
  const kept = call.context.collects?.takeRead() ?? 0;
  if (kept > 0) call.hold(kept);
  return answer;
}
