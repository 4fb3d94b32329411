/** Suspends or resumes a function, after saying what that means. */
import { useState } from 'preact/hooks';
import type { FunctionRow } from '../../console-source.ts';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { watchApi } from './watch-api.ts';

export function SuspendButton({ row, onSaid }: { readonly row: FunctionRow; onSaid(message: string): void }) {
  const [asked, setAsked] = useState(false);
  const { namespace, name, reason } = row;
  const suspended = reason === 'Suspended';
  const act = async (): Promise<void> => {
    setAsked(false);
    try {
      await watchApi.suspend('function', namespace, name, !suspended);
      onSaid(suspended ? 'Resumed.' : 'Suspended.');
    } catch (error) {
      onSaid(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <>
      <button type="button" class="suspend" onClick={() => setAsked(true)}>
        {suspended ? 'Resume' : 'Suspend'}
      </button>
      {asked ? (
        <ConfirmDialog
          title={`${suspended ? 'Resume' : 'Suspend'} ${namespace}/${name}?`}
          action={suspended ? 'Resume' : 'Suspend'}
          onConfirm={() => void act()}
          onCancel={() => setAsked(false)}
        >
          <p>
            {suspended
              ? 'Requests are answered again, and what waits runs.'
              : 'Requests get 503; asynchronous events are stored and wait. The field spec.suspend is written, nothing else.'}
          </p>
        </ConfirmDialog>
      ) : null}
    </>
  );
}
