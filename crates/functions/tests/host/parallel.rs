//! Several invocations at once in one environment, where its function asks for that.

use std::sync::Arc;
use std::time::Duration;

use stagecoach_functions::{Answer, Invocation, InvokeError, Runnable, Runtime, ThrottleReason};

use crate::support::{World, eventually, invocation, mark, running};

/// Waits until `event` many invocations have come, then names its environment.
const PYTHON: &str = "import os, time\nplace = os.environ['PLACE']\ndef handler(count, c):\n    \
    open(os.path.join(place, c.aws_request_id), 'w').close()\n    \
    while len(os.listdir(place)) < count: time.sleep(0.01)\n    return c.log_stream_name\n";
const NODE: &str = "const fs = require('fs');\nconst place = process.env.PLACE;\n\
    exports.handler = async (count, c) => {\n    fs.writeFileSync(`${place}/${c.awsRequestId}`, '');\n    \
    while (fs.readdirSync(place).length < count) await new Promise((r) => setTimeout(r, 10));\n    \
    return c.logStreamName;\n};\n";

/// Asks for `slots` invocations at once; what comes in leaves its name in the folder `place` of the function.
fn parallel(mut function: Runnable, slots: u32) -> Arc<Runnable> {
    let place = function.code.join("place");
    std::fs::create_dir(&place).unwrap();
    function.variables = [
        ("AWS_LAMBDA_MAX_CONCURRENCY", slots.to_string()),
        ("PLACE", place.to_str().unwrap().to_owned()),
        ("MARK", mark(&function.name)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    Arc::new(function)
}

/// An invocation with an id of its own.
fn numbered(number: usize, payload: &str) -> Invocation {
    Invocation { request_id: format!("8f5e0000-0000-4000-8000-{number:012}"), ..invocation(payload) }
}

async fn call(world: &World, function: &Arc<Runnable>, number: usize, payload: &str) -> String {
    match world.host.invoke(function.clone(), numbered(number, payload)).await.unwrap().answer {
        Answer::Whole(body) => String::from_utf8(body.to_vec()).unwrap(),
        Answer::Failed(body) => format!("!{}", String::from_utf8(body.to_vec()).unwrap()),
        Answer::Stream(_) => panic!("nobody asked for a stream"),
    }
}

#[tokio::test]
async fn one_environment_serves_as_many_invocations_at_once_as_its_function_asks_for() {
    let world = World::new();
    let python = parallel(world.python("many-python", PYTHON), 3);
    let node = parallel(world.node("many-node", NODE), 3);

    let mut answers = Vec::new();
    for function in [&python, &node] {
        let call = |number| call(&world, function, number, "3");
        let (a, b, c) = tokio::join!(call(1), call(2), call(3));
        answers.extend([a, b, c]);
    }

    assert!(answers[0].contains("[$LATEST]"), "{answers:?}");
    assert!(answers[3].contains("[$LATEST]"), "{answers:?}");
    assert!(answers[..3].iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert!(answers[3..].iter().all(|answer| *answer == answers[3]), "{answers:?}");
    // One process and its three workers; one process.
    assert_eq!((running("many-python"), running("many-node")), (4, 1));
    world.host.shutdown().await;
}

#[tokio::test]
async fn another_environment_is_started_when_all_slots_of_all_are_taken() {
    let world = World::new();
    let node = parallel(world.node("fifth", NODE), 2);

    let call = |number| call(&world, &node, number, "5");
    let (a, b, c, d, e) = tokio::join!(call(1), call(2), call(3), call(4), call(5));

    let mut environments = vec![a, b, c, d, e];
    environments.sort();
    environments.dedup();
    assert_eq!((environments.len(), running("fifth")), (3, 3), "{environments:?}");
    world.host.shutdown().await;
}

#[tokio::test]
async fn limits_count_invocations_not_environments() {
    let world = World::new();
    let mut function = world.node("limited", NODE);
    function.reserved = Some(2);
    let node = parallel(function, 8);
    let place = node.code.join("place");

    let third = async {
        eventually("two run", || std::fs::read_dir(&place).unwrap().count() == 2).await;
        let refused = world.host.invoke(node.clone(), numbered(3, "3")).await.unwrap_err();
        std::fs::write(place.join("third"), "").unwrap();
        refused
    };
    let (first, second, third) = tokio::join!(call(&world, &node, 1, "3"), call(&world, &node, 2, "3"), third);

    assert_eq!(first, second);
    assert_eq!(third, InvokeError::Throttled(ThrottleReason::Reserved));
    world.host.shutdown().await;
}

#[tokio::test]
async fn a_timeout_of_one_ends_the_environment_and_the_others_are_told_so() {
    let world = World::new();
    let text = "exports.handler = async (event) => {\n    if (event === 'hang') for (;;) ;\n    \
        await new Promise((r) => setTimeout(r, 3000));\n};\n";
    let mut function = world.node("hang", text);
    function.timeout = Duration::from_secs(1);
    let hanging = parallel(function.clone(), 4);
    function.timeout = Duration::from_secs(20);
    let patient = Arc::new(Runnable { variables: hanging.variables.clone(), ..function });

    let (patient, hung) = tokio::join!(call(&world, &patient, 1, "\"wait\""), async {
        eventually("it runs", || running("hang") == 1).await;
        call(&world, &hanging, 2, "\"hang\"").await
    });

    assert!(hung.starts_with(r#"!{"errorType":"Sandbox.Timedout""#), "{hung}");
    let text = r#"!{"errorType":"Runtime.ExitError","errorMessage":"RequestId: 8f5e0000-0000-4000-8000-000000000001 Error: Runtime exited with error: signal: killed"}"#;
    assert_eq!(patient, text);
    eventually("it has ended", || running("hang") == 0).await;
    world.host.shutdown().await;
}

#[tokio::test]
async fn answers_belong_to_the_invocations_they_name() {
    let world = World::new();
    let text = "#!/usr/bin/env python3\nimport os, urllib.request as u\n\
        base = 'http://' + os.environ['AWS_LAMBDA_RUNTIME_API'] + '/2018-06-01/runtime/invocation/'\n\
        def fetch():\n    with u.urlopen(base + 'next') as n: return n.headers['Lambda-Runtime-Aws-Request-Id'], n.read()\n\
        def answer(one): u.urlopen(base + one[0] + '/response', one[1]).read()\n\
        first, second = fetch(), fetch()\nanswer(second)\nanswer(first)\nfetch()\n";
    let swapping = parallel(world.function("swap", Runtime::Provided, "bootstrap", text), 2);

    let (one, two) = tokio::join!(call(&world, &swapping, 1, "\"one\""), call(&world, &swapping, 2, "\"two\""));

    assert_eq!((one.as_str(), two.as_str()), ("\"one\"", "\"two\""));
    world.host.shutdown().await;
}

#[tokio::test]
async fn a_failed_start_is_the_answer_to_all_that_waited_for_it() {
    let world = World::new();
    let text = "require('fs').appendFileSync(process.env.PLACE + '/starts', 'x');\nthrow new Error('no');\n";
    let node = parallel(world.node("failing", text), 3);

    let call = |number| call(&world, &node, number, "0");
    let answers = tokio::join!(call(1), call(2), call(3));

    for answer in [answers.0, answers.1, answers.2] {
        assert!(answer.starts_with(r#"!{"errorType":"Error","errorMessage":"no""#), "{answer}");
    }
    assert_eq!(std::fs::read_to_string(node.code.join("place/starts")).unwrap(), "x");
    world.host.shutdown().await;
}

#[tokio::test]
async fn a_crash_of_one_worker_fails_what_the_others_were_doing_and_the_next_invocation_starts_anew() {
    let world = World::new();
    let text = "import os, time\ndef handler(e, c):\n    if e == 'exit': os._exit(3)\n    if e == 'wait': time.sleep(20)\n    return e\n";
    let python = parallel(world.python("crash", text), 2);

    let (waiting, exiting) = tokio::join!(call(&world, &python, 1, "\"wait\""), call(&world, &python, 2, "\"exit\""));
    let next = call(&world, &python, 3, "\"fine\"").await;

    for answer in [waiting, exiting] {
        assert!(answer.contains("Runtime exited with error: exit status 3"), "{answer}");
    }
    assert_eq!(next, "\"fine\"");
    world.host.shutdown().await;
}
