/** One core for the server and another for the load, so that a peer that starts processes gets no more than we do. */
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

export const serverCore = 0;
export const loadCore = 1;

/** Keeps a process, its threads and its children on one core; false where there is no taskset or only one core. */
export function pinToCore(pid: number | undefined, core: number): boolean {
  if (pid === undefined || availableParallelism() < 2) return false;
  return spawnSync('taskset', ['-a', '-c', '-p', String(core), String(pid)], { stdio: 'ignore' }).status === 0;
}
