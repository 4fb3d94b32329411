/** Refusals of the local API as problem+json. */
import type { FastifyReply } from 'fastify';
import type { FailureCode } from '../failures/catalogue.ts';
import { toProblem } from '../failures/problem.ts';

const codeOf = { 400: 'RequestInvalid', 409: 'Conflict' } as const satisfies Record<number, FailureCode>;

export function problemReply(
  reply: FastifyReply,
  failure: FailureCode | keyof typeof codeOf,
  detail: string | undefined,
): FastifyReply {
  const problem = toProblem(typeof failure === 'number' ? codeOf[failure] : failure, detail);
  return reply.code(problem.status).type('application/problem+json').send(problem);
}
