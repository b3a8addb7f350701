//! A `bootstrap` with several handlers: `_HANDLER` chooses, the event says what to do.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use lambda_runtime::streaming::{Body, Response, channel};
use lambda_runtime::{Error, LambdaEvent, run, run_concurrent, service_fn};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let variable = |name| std::env::var(name).unwrap_or_default();
    match variable("INIT").as_str() {
        "raise" => return Err("init as told".into()),
        "exit" => std::process::exit(7),
        _ => println!("loaded"),
    }
    match variable("_HANDLER").as_str() {
        "app.stream" => run(service_fn(stream)).await,
        "app.proxy" => run(service_fn(proxy)).await,
        "app.path" => run(service_fn(path)).await,
        _ if !variable("AWS_LAMBDA_MAX_CONCURRENCY").is_empty() => run_concurrent(service_fn(command)).await,
        _ => run(service_fn(command)).await,
    }
}

/// As little as a function behind a gateway can do, for tests/bench/functions.py.
async fn path(LambdaEvent { payload, .. }: LambdaEvent<Value>) -> Result<Value, Error> {
    Ok(json!({ "statusCode": 200, "body": payload["path"] }))
}

/// Does what `do` says.
async fn command(LambdaEvent { payload, context }: LambdaEvent<Value>) -> Result<Value, Error> {
    println!("got {payload}");
    match payload["do"].as_str().unwrap_or("echo") {
        "raise" => Err("as told".into()),
        "panic" => panic!("as told"),
        "exit" => std::process::exit(payload["code"].as_i64().and_then(|code| code.try_into().ok()).unwrap_or(1)),
        "sleep" => {
            let began = now();
            tokio::time::sleep(Duration::from_secs_f64(payload["seconds"].as_f64().unwrap_or(0.0))).await;
            let log_stream = context.env_config.log_stream.clone();
            Ok(json!({ "began": began, "ended": now(), "process": std::process::id(), "log_stream": log_stream }))
        }
        "large" => Ok(json!("x".repeat(payload["size"].as_u64().and_then(|size| size.try_into().ok()).unwrap_or(0)))),
        "context" => Ok(json!({
            "request_id": context.request_id, "arn": context.invoked_function_arn, "name": context.env_config.function_name,
            "version": context.env_config.version, "memory": context.env_config.memory, "log_group": context.env_config.log_group,
            "log_stream": context.env_config.log_stream, "deadline": context.deadline, "trace": context.xray_trace_id,
            "custom": context.client_context.map(|client| client.custom), "process": std::process::id(),
            "client": "lambda_runtime",
        })),
        _ => Ok(payload),
    }
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// Two chunks, or what goes wrong between them.
async fn stream(LambdaEvent { payload, .. }: LambdaEvent<Value>) -> Result<Response<Body>, Error> {
    let (mut sender, body) = channel();
    tokio::spawn(async move {
        let first = sender.send_data("one ".into()).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        match payload["do"].as_str() {
            Some("exit") => std::process::exit(1),
            _ if first.is_ok() => drop(sender.send_data("two".into()).await),
            _ => {}
        }
    });
    Ok(Response::from(body))
}

/// Answers with what the published type read of an API Gateway event, and with every member that it does not know.
async fn proxy(LambdaEvent { payload, .. }: LambdaEvent<ApiGatewayProxyRequest>) -> Result<Value, Error> {
    let unknown = json!([payload.other, payload.request_context.other, payload.request_context.identity.other]);
    let seen = json!({ "seen": payload, "unknown": unknown });
    Ok(json!({ "statusCode": 200, "body": seen.to_string() }))
}
