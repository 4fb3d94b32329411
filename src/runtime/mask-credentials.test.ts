import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCredentialName, isCredentialParameter } from './mask-credentials.ts';

test('names of credentials are known in their usual spellings', () => {
  for (const name of [
    'X-Api-Key',
    'x-auth-token',
    'authorization',
    'Cookie',
    'ocp-apim-subscription-key',
    'x-functions-key',
    'x-webhook-secret',
    'X-Amz-Security-Token',
    'api_key',
    'apikey',
    'accessToken',
    'access_token',
    'client_secret',
    'token',
    'key',
    'sig',
    'PASSWORD',
    'pwd',
    'jwt',
  ])
    assert.ok(isCredentialName(name), name);
});

test('control: other names are left alone', () => {
  for (const name of [
    'content-type',
    'user-agent',
    'x-github-delivery',
    'x-hub-signature-256',
    'sec-fetch-mode',
    'keyword',
    'tokens_used',
    'author',
    'monkey',
    'bypass',
    'code',
    'state',
    'page',
    'id',
    '',
  ])
    assert.ok(!isCredentialName(name), name);
});

test('query parameters are masked by further names, which mean something else in a header', () => {
  const further = ['code', 'Code', 'X-Amz-Signature', 'signature', 'hmac', 'otp', 'session_id', 'client_assertion'];
  for (const name of further)
    assert.deepEqual([isCredentialParameter(name), isCredentialName(name)], [true, false], name);
  for (const name of ['token', 'access_token', 'key', 'sig']) assert.ok(isCredentialParameter(name), name);
});

test('control: what says which event it is stays readable in a query', () => {
  for (const name of ['codec', 'status_code', 'country-code', 'state', 'ticket', 'sessions', 'page', 'id', ''])
    assert.ok(!isCredentialParameter(name), name);
});
