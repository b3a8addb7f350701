//! InvokeWithResponseStream.

use bytes::Bytes;
use stagecoach_base::eventstream::{Decoder, Message};
use stagecoach_functions::{Answer, Answered, FunctionError};
use tokio::sync::mpsc;

use crate::host::Host;

/// The answer's head says what comes; then its messages: kind and payload.
async fn stream(host: &Host) -> Vec<(String, String)> {
    let path = "/2021-11-15/functions/f/response-streaming-invocations";
    let Answered::Stream(head, mut body) = host.answer("POST", path, &[], Bytes::new()).await else {
        panic!("not a stream")
    };
    assert_eq!((head.status, &head.headers["x-amz-executed-version"]), (200, &"$LATEST".parse().unwrap()));
    assert_eq!(head.headers["content-type"], "application/vnd.amazon.eventstream");
    let mut decoder = Decoder::default();
    while let Some(bytes) = body.recv().await {
        decoder.push(&bytes);
    }
    let read = |message: Message| {
        let payload = String::from_utf8(message.payload.to_vec()).unwrap();
        (message.header(":event-type").unwrap().to_owned(), payload)
    };
    std::iter::from_fn(|| decoder.next_message().unwrap()).map(read).collect()
}

fn event(kind: &str, payload: &str) -> (String, String) {
    (kind.to_owned(), payload.to_owned())
}

#[tokio::test]
async fn chunks_come_one_by_one_and_the_end_says_how_it_went() {
    let host = Host::new().await;
    host.create("f").await;
    let (sender, chunks) = mpsc::channel(9);
    sender.send(Ok(Bytes::from_static(b"one"))).await.unwrap();
    sender.send(Ok(Bytes::from_static(b"two"))).await.unwrap();
    let error = FunctionError { code: "Error".into(), details: "broke".into() };
    sender.send(Err(error)).await.unwrap();
    drop(sender);
    let next = |answer| host.fake.answers.lock().unwrap().push(Ok(answer));

    next(Answer::Stream(chunks));
    let broken = stream(&host).await;
    next(Answer::Failed(Bytes::from_static(b"{\"errorType\":\"E\"}")));
    let failed = stream(&host).await;
    let whole = stream(&host).await;

    let end = event("InvokeComplete", "{\"ErrorCode\":\"Error\",\"ErrorDetails\":\"broke\"}");
    assert_eq!(broken, [event("PayloadChunk", "one"), event("PayloadChunk", "two"), end]);
    assert_eq!(failed.len(), 1);
    assert!(failed[0].1.starts_with("{\"ErrorCode\":\"E\""), "{failed:?}");
    assert_eq!(whole, [event("PayloadChunk", "{}"), event("InvokeComplete", "{}")]);
    assert!(host.fake.calls.lock().unwrap().iter().all(|(_, invocation)| invocation.streaming));
}
