/** Exit codes of the command, the same for every verb. */

export const exitCodes = {
  ok: 0,
  /** What was asked was done and the answer is bad: mistakes were found, the function failed. */
  failed: 1,
  /** Wrong usage, or input that cannot be used. */
  unusable: 2,
  /** `verify`: the request is not verified. */
  notVerified: 3,
  /** No run can be reached: no `moonhook dev`, no API server, no Moonhook there. */
  notRunning: 4,
  /** The function, call or record asked for is not there. */
  notFound: 5,
} as const;

/** What each code means, for the reference page. */
export const exitCodeMeanings: readonly (readonly [number, string])[] = [
  [exitCodes.ok, 'Done; what was asked for is good.'],
  [
    exitCodes.failed,
    'Done, and the answer is bad: `check` found errors, the function answered an error, `dev` could not start.',
  ],
  [exitCodes.unusable, 'Wrong usage, or input that cannot be used.'],
  [exitCodes.notVerified, '`verify`: the request is not verified.'],
  [
    exitCodes.notRunning,
    'No run can be reached: no `moonhook dev` is running, or the API server or its `run.moonhook.dev` does not answer.',
  ],
  [exitCodes.notFound, 'The function, call or record asked for is not there.'],
];
