// Runs a Lambda handler against the Runtime API: the runtime of nodejs*.x where the package brings none of its own.
import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';

const PREFIX = '/2018-06-01/runtime/';
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const METADATA = 'application/vnd.awslambda.http-integration-response';
const [hostname, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
// Invocations served at once.
const concurrency = Math.max(Number.parseInt(process.env.AWS_LAMBDA_MAX_CONCURRENCY, 10) || 1, 1);
const agent = new http.Agent({ keepAlive: true, maxSockets: concurrency });

const open = (method, target, headers) => {
  const request = http.request({ hostname, port, method, path: PREFIX + target, headers, agent });
  // Without the host there is nothing left to run for.
  request.on('error', () => process.exit(0));
  return request;
};

const finished = (request) => new Promise((resolve) => request.on('response', (response) => {
  const chunks = [];
  response.on('data', (chunk) => chunks.push(chunk));
  response.on('end', () => resolve({ headers: response.headers, body: Buffer.concat(chunks) }));
}));

const call = (method, target, body = '', headers = {}) => {
  const bytes = Buffer.from(body);
  const request = open(method, target, { ...headers, 'Content-Length': bytes.length });
  const answer = finished(request);
  request.end(bytes);
  return answer;
};

class Failure extends Error {
  constructor(name, message) {
    super(message);
    this.name = name;
  }
}

const described = (error) => error instanceof Error
  ? { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') }
  : { errorType: typeof error, errorMessage: String(error), trace: [] };

const logged = (error) => {
  console.error('ERROR', error);
  return error;
};

const postError = (target, error) => {
  const body = described(error);
  return call('POST', target, JSON.stringify(body), {
    'Content-Type': 'application/json', 'Lambda-Runtime-Function-Error-Type': encodeURIComponent(body.errorType),
  });
};

// A streamed answer: the request begins with the first byte, so that an error before it is an ordinary one.
class ResponseStream extends Writable {
  constructor(id) {
    super();
    this.id = id;
    this.contentType = 'application/octet-stream';
  }

  setContentType(type) {
    this.contentType = type;
  }

  get begun() {
    return this.request !== undefined;
  }

  begin() {
    if (this.begun) return;
    this.request = open('POST', `invocation/${this.id}/response`, {
      'Content-Type': this.contentType, 'Lambda-Runtime-Function-Response-Mode': 'streaming',
      'Transfer-Encoding': 'chunked', Trailer: 'Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body',
    });
    this.request.setNoDelay(true);
    this.answer = finished(this.request);
  }

  _write(chunk, encoding, done) {
    this.begin();
    if (this.prelude) {
      this.request.write(this.prelude());
      this.prelude = undefined;
    }
    this.request.write(chunk, encoding, done);
  }

  _final(done) {
    this.begin();
    if (this.prelude) this.request.write(this.prelude());
    this.request.end(done);
  }

  fail(error) {
    const body = described(error);
    this.request.addTrailers({
      'Lambda-Runtime-Function-Error-Type': encodeURIComponent(body.errorType),
      'Lambda-Runtime-Function-Error-Body': Buffer.from(JSON.stringify(body)).toString('base64'),
    });
    this.request.end();
    return this.answer;
  }
}

class HttpResponseStream {
  static from(stream, metadata) {
    stream.setContentType(METADATA);
    stream.prelude = () => Buffer.concat([Buffer.from(JSON.stringify(metadata)), Buffer.alloc(8)]);
    return stream;
  }
}

globalThis.awslambda = {
  ...globalThis.awslambda,
  streamifyResponse: (handler) => Object.assign(handler, { [STREAMING]: true }),
  HttpResponseStream,
};

// The module `stem` as CommonJS or ESM, as Node itself would tell them apart.
const module = async (stem) => {
  const file = ['', '.js', '.mjs', '.cjs'].map((end) => stem + end).find((name) => fs.statSync(name, { throwIfNoEntry: false })?.isFile());
  if (!file) throw new Failure('Runtime.ImportModuleError', `Error: Cannot find module '${path.basename(stem)}'`);
  try {
    if (file.endsWith('.mjs')) return await import(pathToFileURL(file));
    return createRequire(file)(file);
  } catch (error) {
    if (['ERR_REQUIRE_ESM', 'ERR_REQUIRE_ASYNC_MODULE'].includes(error?.code)) return import(pathToFileURL(file));
    if (error instanceof SyntaxError) throw new Failure('Runtime.UserCodeSyntaxError', `SyntaxError: ${error.message}`);
    if (['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND'].includes(error?.code)) {
      throw new Failure('Runtime.ImportModuleError', `Error: ${error.message}`);
    }
    throw error;
  }
};

const load = async (name) => {
  const folder = path.dirname(name);
  const [stem, ...members] = path.basename(name).split('.');
  if (members.length === 0) throw new Failure('Runtime.MalformedHandlerName', 'Bad handler');
  const loaded = await module(path.resolve(process.env.LAMBDA_TASK_ROOT, folder, stem));
  const find = (from) => members.reduce((value, member) => value?.[member], from);
  const handler = find(loaded) ?? find(loaded.default);
  if (handler === undefined) throw new Failure('Runtime.HandlerNotFound', `${name} is undefined or not exported`);
  if (typeof handler !== 'function') throw new Failure('Runtime.HandlerNotFound', `${name} is not a function`);
  return handler;
};

const contextOf = (headers, done) => {
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  const json = (name) => (headers[name] ? JSON.parse(headers[name]) : undefined);
  const env = process.env;
  return {
    callbackWaitsForEmptyEventLoop: true,
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: json('lambda-runtime-client-context'),
    identity: json('lambda-runtime-cognito-identity'),
    getRemainingTimeInMillis: () => Math.max(deadline - Date.now(), 0),
    done: (error, value) => done(error, value),
    succeed: (value) => done(null, value),
    fail: (error) => done(error ?? new Error('handled')),
  };
};

// Told when nothing is left to do that could still answer.
const unanswered = new Set();
process.on('beforeExit', () => unanswered.forEach((empty) => empty()));

// What a handler answers by promise or callback; `null` when it leaves nothing that could still answer.
const answered = (handler, event, headers) => new Promise((resolve, reject) => {
  const empty = () => settle(resolve)(null);
  const settle = (how) => (value) => {
    unanswered.delete(empty);
    how(value);
  };
  const done = (error, value) => (error ? settle(reject)(error) : settle(resolve)(value));
  unanswered.add(empty);
  let result;
  try {
    result = handler(event, contextOf(headers, done), done);
  } catch (error) {
    settle(reject)(error);
  }
  if (typeof result?.then === 'function') result.then(settle(resolve), settle(reject));
});

const streamed = async (handler, event, headers, target, id) => {
  const stream = new ResponseStream(id);
  try {
    await handler(event, stream, contextOf(headers, () => stream.end()));
    if (!stream.writableFinished) await new Promise((resolve) => stream.once('finish', resolve));
    await stream.answer;
  } catch (error) {
    await (stream.begun ? stream.fail(error) : postError(`${target}error`, logged(error)));
  }
};

const respond = async (handler, event, headers, target) => {
  let body;
  try {
    const value = await answered(handler, event, headers);
    try {
      body = JSON.stringify(value === undefined ? null : value);
    } catch (error) {
      throw new Failure('Runtime.MarshalError', `Unable to stringify response body: ${error.message}`);
    }
  } catch (error) {
    return postError(`${target}error`, logged(error));
  }
  return call('POST', `${target}response`, body ?? 'null', { 'Content-Type': 'application/json' });
};

// What an uncaught error is the answer to.
const running = new Set(['init/']);

const crash = (name) => async (error) => {
  const cause = logged(error instanceof Error ? error : new Error(String(error)));
  const told = name ? Object.assign(new Failure(name, `${cause.name}: ${cause.message}`), { stack: cause.stack }) : cause;
  agent.maxSockets = Infinity;
  await Promise.all([...running].map((target) => postError(`${target}error`, told)));
  process.exit(name ? 128 : 129);
};
process.on('unhandledRejection', crash('Runtime.UnhandledPromiseRejection'));
process.on('uncaughtException', crash(undefined));

// One invocation after the other.
const serve = async (handler) => {
  for (;;) {
    const { headers, body } = await call('GET', 'invocation/next');
    const id = headers['lambda-runtime-aws-request-id'];
    const trace = headers['lambda-runtime-trace-id'];
    // A variable of the process can tell one trace only.
    if (trace && concurrency === 1) process.env._X_AMZN_TRACE_ID = trace;
    else delete process.env._X_AMZN_TRACE_ID;
    const target = `invocation/${id}/`;
    running.add(target);
    const event = JSON.parse(body.length ? body : 'null');
    if (handler[STREAMING]) await streamed(handler, event, headers, target, id);
    else await respond(handler, event, headers, target);
    running.delete(target);
  }
};

const main = async () => {
  let handler;
  try {
    handler = await load(process.argv[2]);
  } catch (error) {
    await postError('init/error', logged(error));
    process.exit(1);
  }
  running.delete('init/');
  for (let loops = 0; loops < concurrency; loops += 1) serve(handler);
};

main();
