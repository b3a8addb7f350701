// Handlers for test_runtime_clients.py: the event says what to do.
if (process.env.INIT === 'raise') throw new RangeError('init as told');
if (process.env.INIT === 'exit') process.exit(7);
console.log('loaded');

const wait = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

exports.command = async (event, context) => {
  console.log('got', JSON.stringify(event));
  switch (event?.do) {
    case 'raise': throw new RangeError('as told');
    case 'exit': return process.exit(event.code);
    case 'sleep': {
      const began = Date.now();
      await wait(event.seconds);
      return { began: began / 1000, ended: Date.now() / 1000, process: process.pid, log_stream: context.logStreamName };
    }
    case 'large': return 'x'.repeat(event.size);
    case 'context': return {
      request_id: context.awsRequestId, arn: context.invokedFunctionArn, name: context.functionName, version: context.functionVersion,
      memory: Number(context.memoryLimitInMB), log_group: context.logGroupName, log_stream: context.logStreamName,
      deadline: Date.now() + context.getRemainingTimeInMillis(), trace: process.env._X_AMZN_TRACE_ID, custom: context.clientContext?.custom ?? null,
      process: process.pid, client: process.argv[1],
    };
    default: return event;
  }
};

exports.stream = awslambda.streamifyResponse(async (event, stream) => {
  stream.write('one ');
  await wait(0.2);
  if (event?.do === 'raise') throw new RangeError('as told');
  if (event?.do === 'exit') process.exit(1);
  stream.write('two');
  stream.end();
});
