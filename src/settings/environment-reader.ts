/** Reads settings of a program out of its environment; every mistake is noted, and each read answers what can be worked with. */

const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;

export type LogLevel = (typeof logLevels)[number];

export interface EnvironmentReader {
  /** An empty variable counts as one that is not set. */
  text(name: string, fallback: string): string;
  /** A whole number within bounds, both included. */
  integer(name: string, fallback: number, least: number, most: number): number;
  /** 0: any free one. */
  port(name: string, fallback: number): number;
  logLevel(): LogLevel;
}

/** `mistakes` gets one line for each variable that cannot be used. */
export function environmentReader(environment: NodeJS.ProcessEnv, mistakes: string[]): EnvironmentReader {
  const text = (name: string, fallback: string): string => environment[name] || fallback;
  const integer = (name: string, fallback: number, least: number, most: number): number => {
    const value = text(name, String(fallback));
    if (/^[0-9]{1,6}$/.test(value) && Number(value) >= least && Number(value) <= most) return Number(value);
    mistakes.push(`${name} must be a whole number from ${least} to ${most}, not ${JSON.stringify(value)}`);
    return fallback;
  };
  return {
    text,
    integer,
    port: (name, fallback) => integer(name, fallback, 0, 65_535),
    logLevel() {
      const level = text('MOONHOOK_LOG_LEVEL', 'info');
      const known = logLevels.find((each) => each === level);
      if (known === undefined) mistakes.push(`MOONHOOK_LOG_LEVEL must be one of ${logLevels.join(', ')}`);
      return known ?? 'info';
    },
  };
}
