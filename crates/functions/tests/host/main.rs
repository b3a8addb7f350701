//! The function host with real processes: what a function sees, how it fails, how many run.
#![allow(clippy::unwrap_used)]

mod ends;
mod isolation;
mod logs;
mod parallel;
mod support;
mod surroundings;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use stagecoach_functions::{Answer, Invocation, InvokeError, Runtime, ThrottleReason};

use support::{World, eventually, folders, invocation, mark, running};

const ID: &str = "8f5e0000-0000-4000-8000-000000000001";

#[tokio::test]
async fn python_and_node_answer_an_event() {
    let world = World::new();
    let python = world.python("py", "def handler(event, context):\n    return {'got': event, 'ü': 1}\n");
    let node = world.node("js", "exports.handler = async (event) => ({ got: event });\n");
    let callback =
        world.node("cb", "exports.handler = (event, context, done) => setTimeout(() => done(null, event.a), 5);\n");
    let nothing = world.node("no", "exports.handler = () => {};\n");
    let module =
        world.function("mjs", Runtime::Node, "index.mjs", "export const handler = async (event) => event.a + 1;\n");

    let event = r#"{"a": 1}"#;

    assert_eq!(world.call(&python, event).await, r#"{"got": {"a": 1}, "ü": 1}"#);
    assert_eq!(world.call(&node, event).await, r#"{"got":{"a":1}}"#);
    assert_eq!(world.call(&callback, event).await, "1");
    assert_eq!(world.call(&nothing, event).await, "null");
    assert_eq!(world.call(&nothing, event).await, "null");
    assert_eq!(world.call(&module, event).await, "2");
    world.host.shutdown().await;
}

#[tokio::test]
async fn handlers_in_folders_are_found_and_layers_imported() {
    let world = World::new();
    let mut python =
        world.function("py", Runtime::Python, "app/main.py", "import extra\ndef run(e, c): return extra.X\n");
    python.handler = "app/main.run".to_owned();
    let layer = world.function("layer", Runtime::Python, "python/extra.py", "X = 7\n").code;
    std::fs::create_dir_all(layer.join("nodejs/node_modules/extra")).unwrap();
    std::fs::write(layer.join("nodejs/node_modules/extra/index.js"), "exports.x = 8;\n").unwrap();
    let mut node =
        world.function("js", Runtime::Node, "app/main.js", "exports.run = async () => require('extra').x;\n");
    node.handler = "app/main.run".to_owned();
    python.layers = vec![layer.clone()];
    node.layers = vec![layer];

    let (first, second) = (world.call(&python, "{}").await, world.call(&node, "{}").await);
    python.handler = "app.main.run".to_owned();
    python.revision = "2".to_owned();
    let dotted = world.call(&python, "{}").await;

    assert_eq!((first.as_str(), second.as_str(), dotted.as_str()), ("7", "8", "7"));
    world.host.shutdown().await;
}

/// The members recorded on AWS (dependencies §3.3).
#[tokio::test]
async fn the_context_and_the_variables_are_those_of_the_function() {
    let world = World::new();
    let text = "import os\ndef handler(event, c):\n    left = c.get_remaining_time_in_millis()\n    return [c.aws_request_id, \
        c.function_name, c.function_version, c.invoked_function_arn, c.log_group_name, c.memory_limit_in_mb, \
        15000 < left <= 20000, c.log_stream_name.split('/')[3][:9], os.environ['AWS_REGION'], os.environ['MINE'], \
        os.environ['_HANDLER'], os.environ['AWS_EXECUTION_ENV'], os.environ['_X_AMZN_TRACE_ID'], \
        c.client_context.custom['k'], os.getcwd() == os.environ['LAMBDA_TASK_ROOT'], 'HOME' in os.environ]\n";
    let mut python = world.python("ctx", text);
    python.variables = [("MINE", "yes"), ("AWS_REGION", "mars-1"), ("_HANDLER", "x")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let invocation = Invocation {
        trace_id: Some("Root=1-2-3".to_owned()),
        client_context: Some(r#"{"custom":{"k":"v"}}"#.to_owned()),
        ..invocation("{}")
    };

    let invoked = world.host.invoke(Arc::new(python), invocation).await.unwrap();

    let Answer::Whole(body) = invoked.answer else { panic!("{:?}", invoked.answer) };
    let expected = serde_json::json!([
        ID,
        "ctx",
        "$LATEST",
        "arn:aws:lambda:us-east-1:000000000000:function:f:live",
        "/aws/lambda/ctx",
        "128",
        true,
        "[$LATEST]",
        "us-east-1",
        "yes",
        "index.handler",
        "AWS_Lambda_python3.12",
        "Root=1-2-3",
        "v",
        true,
        false
    ]);
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&body).unwrap(), expected);
    world.host.shutdown().await;
}

#[tokio::test]
async fn an_exception_is_told_as_the_runtime_tells_it_and_the_environment_stays() {
    let world = World::new();
    let python = world.python(
        "py",
        "import os\ndef handler(event, c):\n    if event: return os.getpid()\n    raise ValueError('no')\n",
    );
    let node = world.node(
        "js",
        "class Odd extends Error { constructor(m) { super(m); this.name = 'Odd'; } }\n\
        exports.handler = async () => { throw new Odd('no'); };\n",
    );

    let before = world.call(&python, "1").await;
    let raised = world.call(&python, "0").await;
    let after = world.call(&python, "1").await;
    let thrown = world.call(&node, "{}").await;

    let prefix = format!(
        r#"!{{"errorMessage": "no", "errorType": "ValueError", "requestId": "{ID}", "stackTrace": ["  File \""#
    );
    assert!(raised.starts_with(&prefix), "{raised}");
    assert!(!raised.contains("python.py"), "{raised}");
    assert!(thrown.starts_with(r#"!{"errorType":"Odd","errorMessage":"no","trace":["#), "{thrown}");
    assert_eq!(before, after);
    world.host.shutdown().await;
}

#[tokio::test]
async fn a_timeout_kills_what_the_function_forked_too() {
    let world = World::new();
    let mut python = world.python(
        "slow",
        "import subprocess, time\ndef handler(e, c):\n    \
        subprocess.Popen(['sleep', '4242'])\n    time.sleep(60)\n",
    );
    python.timeout = Duration::from_secs(1);
    python.variables.insert("MARK".to_owned(), mark("timeout-mark"));

    let answer = world.call(&python, "{}").await;

    let text = format!(
        r#"!{{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: {ID} Error: Task timed out after 1.00 seconds"}}"#
    );
    assert_eq!(answer, text);
    eventually("everything has ended", || running("timeout-mark") == 0).await;
    world.host.shutdown().await;
}

#[tokio::test]
async fn an_exit_is_an_exit_error_in_the_handler_and_at_init() {
    let world = World::new();
    let handler = world.python("a", "import sys\ndef handler(e, c):\n    sys.exit(e)\n");
    let init = world.python("b", "import sys\nsys.exit(0)\n");
    let killed = world.node(
        "c",
        "exports.handler = async () => { process.kill(process.pid, 'SIGKILL'); await new Promise(() => {}); };\n",
    );

    let answers = [
        world.call(&handler, "0").await,
        world.call(&handler, "3").await,
        world.call(&init, "{}").await,
        world.call(&killed, "{}").await,
    ];

    let reasons = [
        "exited without providing a reason",
        "exited with error: exit status 3",
        "exited without providing a reason",
        "exited with error: signal: killed",
    ];
    for (answer, reason) in answers.iter().zip(reasons) {
        let text =
            format!(r#"!{{"errorType":"Runtime.ExitError","errorMessage":"RequestId: {ID} Error: Runtime {reason}"}}"#);
        assert_eq!(*answer, text);
    }
    world.host.shutdown().await;
}

#[tokio::test]
async fn what_nobody_catches_in_node_is_the_answer_and_the_next_invocation_gets_another_process() {
    let world = World::new();
    let text = "exports.handler = (event, context, done) => {\n    if (event === 1) Promise.reject(new Error('lost'));\n\
        else if (event === 2) setTimeout(() => { throw new TypeError('late'); }, 1);\n    else done(null, 'fine');\n};\n";
    let node = world.node("js", text);

    let mut answers = Vec::new();
    for event in ["1", "0", "2", "0"] {
        answers.push(world.call(&node, event).await);
    }

    assert!(
        answers[0].starts_with(r#"!{"errorType":"Runtime.UnhandledPromiseRejection","errorMessage":"Error: lost""#)
    );
    assert!(answers[2].starts_with(r#"!{"errorType":"TypeError","errorMessage":"late""#), "{}", answers[2]);
    assert_eq!((answers[1].as_str(), answers[3].as_str()), ("\"fine\"", "\"fine\""));
    world.host.shutdown().await;
}

#[tokio::test]
async fn an_init_error_is_the_answer_and_the_next_invocation_starts_again() {
    let world = World::new();
    let text =
        "import os\nif not os.path.exists('ready'):\n    raise RuntimeError('not yet')\ndef handler(e, c): return 1\n";
    let python = world.python("py", text);
    let missing = world.python("missing", "import nowhere\n");
    let mut unnamed = world.node("js", "exports.other = 1;\n");
    unnamed.handler = "index.handler".to_owned();

    let first = world.call(&python, "{}").await;
    std::fs::write(python.code.join("ready"), "").unwrap();
    let second = world.call(&python, "{}").await;

    assert!(first.starts_with(r#"!{"errorMessage": "not yet", "errorType": "RuntimeError""#), "{first}");
    assert_eq!(second, "1");
    let import = world.call(&missing, "{}").await;
    assert!(import.contains("Unable to import module 'index': No module named 'nowhere'"), "{import}");
    let handler = world.call(&unnamed, "{}").await;
    assert!(handler.contains("Runtime.HandlerNotFound"), "{handler}");
    world.host.shutdown().await;
}

#[tokio::test]
async fn an_answer_beyond_six_mebibytes_is_refused_and_the_environment_stays() {
    let world = World::new();
    let python = world.python("py", "import os\ndef handler(n, c):\n    return 'x' * n if n else os.getpid()\n");

    let before = world.call(&python, "0").await;
    let fits = world.call(&python, "6291554").await;
    let large = world.call(&python, "6291555").await;

    assert_eq!(fits.len(), 6_291_556);
    let text = r#"!{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}"#;
    assert_eq!(large, text);
    assert_eq!(world.call(&python, "0").await, before);
    world.host.shutdown().await;
}

#[tokio::test]
async fn invocations_at_once_get_environments_of_their_own_and_one_after_another_share() {
    let world = World::new();
    let python =
        world.python("py", "import os, time\ndef handler(e, c):\n    time.sleep(0.5)\n    return os.getpid()\n");

    let began = Instant::now();
    let (a, b, c) = tokio::join!(world.call(&python, "{}"), world.call(&python, "{}"), world.call(&python, "{}"));
    let took = began.elapsed();
    let d = world.call(&python, "{}").await;

    assert!(a != b && b != c && a != c, "{a} {b} {c}");
    assert!([&a, &b, &c].contains(&&d));
    assert!(took > Duration::from_millis(500));
    world.host.shutdown().await;
}

#[tokio::test]
async fn limits_throttle() {
    let world = World::with(|options| options.account_concurrency = 2);
    let sleeper = "import time\ndef handler(e, c):\n    time.sleep(1)\n";
    let mut none = world.python("none", sleeper);
    none.reserved = Some(0);
    let mut one = world.python("one", sleeper);
    one.reserved = Some(1);
    let free = world.python("free", sleeper);

    let blocked = world.invoke(&none, "{}").await.unwrap_err();
    let second = async {
        let reserved = world.invoke(&one, "{}").await.unwrap_err();
        let (_, third) = tokio::join!(world.invoke(&free, "{}"), world.invoke(&free, "{}"));
        (reserved, third.unwrap_err())
    };
    let (first, (reserved, account)) = tokio::join!(world.call(&one, "{}"), second);
    let again = world.call(&one, "{}").await;

    assert_eq!(blocked, InvokeError::Throttled(ThrottleReason::Reserved));
    assert_eq!(reserved, InvokeError::Throttled(ThrottleReason::Reserved));
    assert_eq!(account, InvokeError::Throttled(ThrottleReason::Concurrent));
    assert_eq!((first.as_str(), again.as_str()), ("null", "null"));
    world.host.shutdown().await;
}

const STREAMER: &str = "exports.handler = awslambda.streamifyResponse(async (event, out) => {\n\
    const stream = awslambda.HttpResponseStream.from(out, { statusCode: 201, headers: { a: 'b' } });\n\
    for (const part of ['one', 'two', 'three']) { stream.write(part); await new Promise((r) => setTimeout(r, 200)); }\n\
    if (event.fail) throw new RangeError('midway');\n    stream.end();\n});\n";

#[tokio::test]
async fn a_node_stream_arrives_in_pieces_with_its_prelude() {
    let world = World::new();
    let node = Arc::new(world.node("js", STREAMER));

    let streamed = |payload: &str| Invocation { streaming: true, ..invocation(payload) };
    let mut pieces = Vec::new();
    for payload in ["{}", r#"{"fail": true}"#] {
        let invoked = world.host.invoke(node.clone(), streamed(payload)).await.unwrap();
        let Answer::Stream(mut stream) = invoked.answer else { panic!("{:?}", invoked.answer) };
        let (mut all, mut times, mut error) = (Vec::new(), Vec::new(), None);
        while let Some(piece) = stream.recv().await {
            times.push(Instant::now());
            match piece {
                Ok(bytes) => all.extend_from_slice(&bytes),
                Err(failure) => error = Some(failure),
            }
        }
        pieces.push((String::from_utf8(all).unwrap(), *times.last().unwrap() - times[0], error));
    }
    let whole = world.call(&node, "{}").await;

    let text = "{\"statusCode\":201,\"headers\":{\"a\":\"b\"}}\0\0\0\0\0\0\0\0onetwothree";
    assert_eq!((pieces[0].0.as_str(), pieces[1].0.as_str(), whole.as_str()), (text, text, text));
    assert!(pieces[0].1 > Duration::from_millis(300), "{:?}", pieces[0].1);
    assert_eq!(pieces[0].2, None);
    let error = pieces[1].2.clone().unwrap();
    assert_eq!(error.code, "RangeError");
    assert!(error.details.starts_with(r#"{"errorType":"RangeError","errorMessage":"midway""#), "{}", error.details);
    world.host.shutdown().await;
}

#[tokio::test]
async fn a_flood_of_output_neither_blocks_nor_is_kept() {
    let world = World::new();
    let python = world.python(
        "py",
        "def handler(e, c):\n    for i in range(200000): print('line', i)\n    print('last words')\n    return 1\n",
    );

    let invoked = world.invoke(&python, "{}").await.unwrap();

    assert!(matches!(&invoked.answer, Answer::Whole(body) if &body[..] == b"1"));
    assert!(invoked.log_tail.len() <= 4096);
    let tail = String::from_utf8_lossy(&invoked.log_tail).into_owned();
    assert!(tail.contains(&format!("last words\nEND RequestId: {ID}\nREPORT RequestId: {ID}\tDuration: ")), "{tail}");
    assert!(world.host.logs("py").len() <= 500);
    world.host.shutdown().await;
}

#[tokio::test]
async fn nothing_is_left_after_a_shutdown() {
    let world = World::new();
    let mut python = world.python(
        "py",
        "import subprocess, time\nsubprocess.Popen(['sleep', '4243'])\n\
        def handler(e, c):\n    time.sleep(e)\n",
    );
    python.variables.insert("MARK".to_owned(), mark("shutdown-mark"));
    world.call(&python, "0").await;
    assert_eq!(running("shutdown-mark"), 2);

    let (busy, ()) = tokio::join!(world.invoke(&python, "30"), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        world.host.shutdown().await;
    });

    assert_eq!(busy.unwrap_err(), InvokeError::Stopping);
    eventually("everything has ended", || running("shutdown-mark") == 0).await;
    assert_eq!(folders(&world.folder.path().join("scratch/hosts")), Vec::<PathBuf>::new());
    assert_eq!(world.invoke(&python, "0").await.unwrap_err(), InvokeError::Stopping);
}

const PID: &str = "import os\ndef handler(e, c): return os.getpid()\n";

#[tokio::test]
async fn environments_of_an_old_revision_end_once_another_is_invoked() {
    let world = World::new();
    let mut function = world.python("py", PID);
    function.variables.insert("MARK".to_owned(), mark("old-mark"));
    world.call(&function, "{}").await;
    assert_eq!(running("old-mark"), 1);

    function.revision = "2".to_owned();
    function.variables.insert("MARK".to_owned(), mark("new-mark"));
    world.call(&function, "{}").await;

    eventually("the old revision has ended", || running("old-mark") == 0).await;
    assert_eq!(running("new-mark"), 1);
    world.host.shutdown().await;
}

#[tokio::test]
async fn idle_environments_end_and_provisioned_ones_stay_until_retired() {
    let world = World::with(|options| options.idle = Duration::from_millis(300));
    let mut function = world.python("py", PID);
    function.variables.insert("MARK".to_owned(), mark("idle-mark"));

    world.call(&function, "{}").await;
    eventually("the idle one has ended", || running("idle-mark") == 0).await;
    world.host.provision(Arc::new(function.clone()), 2).await.unwrap();
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(running("idle-mark"), 2);
    function.reserved = Some(0);
    assert!(world.invoke(&function, "{}").await.is_ok());
    world.host.retire(&function.arn).await;

    assert_eq!(running("idle-mark"), 0);
    world.host.shutdown().await;
}

#[tokio::test]
async fn a_bootstrap_of_its_own_speaks_the_protocol() {
    let world = World::new();
    let text = "#!/bin/sh\nwhile :; do\n  next=\"http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation\"\n  \
        event=$(curl -sS -D \"$TMPDIR/headers\" \"$next/next\") || exit 1\n  \
        id=$(grep -i aws-request-id \"$TMPDIR/headers\" | tr -d '\\r' | cut -d' ' -f2)\n  \
        curl -sS -o /dev/null -d \"sh $event\" \"$next/$id/response\"\ndone\n";
    let shell = world.function("sh", Runtime::Provided, "bootstrap", text);
    let missing = world.function("missing", Runtime::Provided, "other", "");
    let mut nowhere = world.python("nowhere", "");
    nowhere.code = world.folder.path().join("gone");

    let answers = [world.call(&shell, "1").await, world.call(&shell, "2").await, world.call(&missing, "1").await];

    assert_eq!(answers[..2], ["sh 1", "sh 2"]);
    let text = format!(
        r#"!{{"errorType":"Runtime.ExitError","errorMessage":"RequestId: {ID} Error: Runtime exited with error: exit status 127"}}"#
    );
    assert_eq!(answers[2], text);
    assert!(matches!(world.invoke(&nowhere, "1").await, Err(InvokeError::NotRunnable(_))));
    world.host.shutdown().await;
}

#[tokio::test]
async fn memory_beyond_the_functions_own_is_refused() {
    let world = World::new();
    let python = world.python("py", "def handler(n, c): return len(bytearray(n << 20))\n");

    let fits = world.call(&python, "100").await;
    let hog = world.call(&python, "1000").await;

    assert_eq!(fits, "104857600");
    assert!(hog.contains("MemoryError"), "{hog}");
    world.host.shutdown().await;
}

#[tokio::test]
async fn a_stream_that_is_cut_off_says_why() {
    let world = World::new();
    let text = "exports.handler = awslambda.streamifyResponse(async (event, out) => {\n    out.write('some');\n\
        if (event.exit) setTimeout(() => process.exit(4), 100);\n    await new Promise((r) => setTimeout(r, 9000));\n});\n";
    let mut node = world.node("js", text);
    node.timeout = Duration::from_secs(1);

    let mut ends = Vec::new();
    for payload in [r#"{"exit": true}"#, "{}"] {
        let invocation = Invocation { streaming: true, ..invocation(payload) };
        let invoked = world.host.invoke(Arc::new(node.clone()), invocation).await.unwrap();
        let Answer::Stream(mut stream) = invoked.answer else { panic!("{:?}", invoked.answer) };
        assert_eq!(stream.recv().await.unwrap().unwrap(), "some");
        ends.push(stream.recv().await.unwrap().unwrap_err());
        assert!(stream.recv().await.is_none());
    }

    assert_eq!((ends[0].code.as_str(), ends[1].code.as_str()), ("Runtime.ExitError", "Sandbox.Timedout"));
    assert!(ends[0].details.contains("exit status 4"), "{}", ends[0].details);
    world.host.shutdown().await;
}

#[tokio::test]
async fn a_missing_interpreter_is_named() {
    let world = World::with(|options| options.node = "no-such-node".to_owned());
    let node = world.node("js", "exports.handler = async () => 1;\n");

    let error = world.invoke(&node, "{}").await.unwrap_err();

    let InvokeError::NotRunnable(text) = error else { panic!("{error:?}") };
    assert!(text.starts_with("this function needs Node.js: `no-such-node` is not in "), "{text}");
}

#[tokio::test]
async fn an_init_beyond_its_limit_is_done_again_in_the_invocations_time() {
    let world = World::with(|options| options.init = Duration::from_millis(300));
    let mut python = world.python("py", "import time\ntime.sleep(0.6)\ndef handler(e, c): return 1\n");

    let slow = world.call(&python, "{}").await;
    python.timeout = Duration::from_millis(400);
    python.revision = "2".to_owned();
    let late = world.call(&python, "{}").await;

    assert_eq!(slow, "1");
    assert!(late.starts_with(r#"!{"errorType":"Sandbox.Timedout""#), "{late}");
    world.host.shutdown().await;
}
