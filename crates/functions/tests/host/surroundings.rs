//! What a function finds in its environment: variables, credentials, a wrapper around its runtime.

use std::collections::BTreeMap;

use stagecoach_functions::{Credentials, Runnable, Runtime};

use crate::support::World;

const VARIABLES: &str = "import os\ndef handler(e, c): return dict(os.environ)\n";

/// Set by AWS in all of 25 runtimes, as recorded (dependencies §3.3).
const EVERYWHERE: [&str; 23] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_XRAY_CONTEXT_MISSING",
    "AWS_XRAY_DAEMON_ADDRESS",
    "_AWS_XRAY_DAEMON_ADDRESS",
    "_AWS_XRAY_DAEMON_PORT",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
    "LANG",
    "LD_LIBRARY_PATH",
    "PATH",
    "TZ",
    "_HANDLER",
];

fn credentials() -> Credentials {
    Credentials { access_key: "AKID".to_owned(), secret: "hidden".to_owned(), token: Some("session".to_owned()) }
}

async fn variables(world: &World, function: &Runnable) -> BTreeMap<String, String> {
    serde_json::from_str(&world.call(function, "{}").await).unwrap()
}

#[tokio::test]
async fn every_variable_that_aws_sets_is_set() {
    let world = World::with(|options| options.credentials = Some(credentials()));
    let python = world.python("py", VARIABLES);

    let found = variables(&world, &python).await;

    let missing: Vec<_> = EVERYWHERE.iter().filter(|name| !found.contains_key(**name)).collect();
    assert_eq!(missing, Vec::<&&str>::new());
    for (name, value) in [
        ("LANG", "en_US.UTF-8"),
        ("TZ", ":UTC"),
        ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"),
        ("_AWS_XRAY_DAEMON_PORT", "2000"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_EXECUTION_ENV", "AWS_Lambda_python3.12"),
        ("LC_CTYPE", "C.UTF-8"),
        ("SHLVL", "0"),
        ("PWD", python.code.to_str().unwrap()),
        ("AWS_SESSION_TOKEN", "session"),
    ] {
        assert_eq!(found[name], value, "{name}");
    }
    world.host.shutdown().await;
}

#[tokio::test]
async fn credentials_are_the_hosts_if_it_has_some_and_else_the_functions_own() {
    let lasting = Credentials { token: None, ..credentials() };
    let with = World::with(|options| options.credentials = Some(lasting));
    let without = World::new();
    let own = [("AWS_ACCESS_KEY_ID", "MINE"), ("AWS_SECRET_ACCESS_KEY", "mine"), ("AWS_SESSION_TOKEN", "mine")];

    let mut found = Vec::new();
    for world in [&with, &without] {
        let mut python = world.python("py", VARIABLES);
        python.variables = own.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let all = variables(world, &python).await;
        found.push(own.map(|(name, _)| all.get(name).cloned().unwrap_or_default()));
        world.host.shutdown().await;
    }

    assert_eq!(found, [["AKID", "hidden", ""], ["MINE", "mine", "mine"]]);
}

#[tokio::test]
async fn a_wrapper_is_executed_with_the_runtimes_command_line() {
    let world = World::new();
    let script = "#!/bin/sh\nexport WRAPPED=\"$#\"\nexec \"$@\"\n";
    let wrapped = |mut function: Runnable, wrapper: &str| {
        function.variables.insert("AWS_LAMBDA_EXEC_WRAPPER".to_owned(), wrapper.to_owned());
        function
    };
    let python = world.python("py", "import os\ndef handler(e, c): return os.environ['WRAPPED']\n");
    world.function("py", Runtime::Python, "wrap", script);
    let node = world.node("js", "exports.handler = async () => process.env.WRAPPED;\n");
    let layer = world.function("layer", Runtime::Node, "bin/wrap", script).code;

    let in_the_package = wrapped(python.clone(), "/var/task/wrap");
    let in_a_layer = Runnable { layers: vec![layer], ..wrapped(node, "/opt/bin/wrap") };
    let nowhere = Runnable { revision: "2".to_owned(), ..wrapped(python, "/opt/wrap") };
    let answers = [
        world.call(&in_the_package, "{}").await,
        world.call(&in_a_layer, "{}").await,
        world.call(&nowhere, "{}").await,
    ];

    assert_eq!(answers[..2], [r#""4""#, r#""4""#]);
    assert!(answers[2].contains(r#""errorType":"Runtime.ExitError""#), "{answers:?}");
    assert!(answers[2].contains("Runtime exited with error: exit status 127"), "{answers:?}");
    world.host.shutdown().await;
}
