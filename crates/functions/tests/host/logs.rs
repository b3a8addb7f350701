//! What functions print, as operators and callers see it.

use std::sync::Arc;
use std::time::Duration;

use stagecoach_functions::{Followed, Runnable, Runtime};

use crate::support::World;

#[tokio::test]
async fn a_log_is_followed_without_a_gap_until_the_function_is_deleted() {
    let world = World::new();
    let python = world.python("py", "def handler(e, c):\n    print('said', e)\n");
    world.call(&python, "1").await;

    let mut follower = world.host.follow("py");
    world.call(&python, "2").await;
    world.host.retire(&python.arn).await;
    let mut lines = std::mem::take(&mut follower.earlier);
    while let Some(followed) = follower.next().await {
        let Followed::Line(line) = followed else { panic!("{followed:?}") };
        lines.push(line.to_string());
    }

    let words: Vec<&str> = lines.iter().filter_map(|line| line.get(..6)).collect();
    assert_eq!(words, ["START ", "said 1", "END Re", "REPORT", "START ", "said 2", "END Re", "REPORT"]);
    world.host.shutdown().await;
}

#[tokio::test]
async fn a_shutdown_ends_followers() {
    let world = World::new();
    let mut follower = world.host.follow("nobody");

    world.host.shutdown().await;

    assert_eq!(follower.next().await, None);
}

/// The tail of what an invocation logged, line by line, with numbers and ids left out.
async fn tail(world: &World, function: &Runnable, payload: &str) -> Vec<String> {
    let tail = world.invoke(function, payload).await.unwrap().log_tail;
    let text = String::from_utf8(tail).unwrap();
    let shape =
        |line: &str| line.split('\t').map(|part| part.split(": ").next().unwrap()).collect::<Vec<_>>().join("|");
    text.lines().map(|line| if line.starts_with("REPORT") { shape(line) } else { line.to_owned() }).collect()
}

const REPORT: &str = "REPORT RequestId|Duration|Billed Duration|Memory Size|Max Memory Used";

#[tokio::test]
async fn a_cold_start_is_reported_once() {
    let world = World::new();
    let python = world.python("cold", "def handler(e, c): pass\n");
    let ahead = Arc::new(Runnable { revision: "2".to_owned(), ..python.clone() });

    let (first, second) = (tail(&world, &python, "0").await, tail(&world, &python, "0").await);
    world.host.provision(ahead.clone(), 1).await.unwrap();
    let provisioned = tail(&world, &ahead, "0").await;

    assert_eq!(first.last().unwrap(), &format!("{REPORT}|Init Duration"));
    assert_eq!((second.last().unwrap().as_str(), provisioned.last().unwrap().as_str()), (REPORT, REPORT));
    world.host.shutdown().await;
}

#[tokio::test]
async fn the_tail_of_a_failure_says_what_it_was() {
    let world = World::new();
    let impatient = World::with(|options| options.init = Duration::from_millis(500));
    let exits =
        world.python("exits", "import os\ndef handler(e, c):\n    print('last words', flush=True)\n    os._exit(3)\n");
    let raises = world.python("raises", "print('begun', flush=True)\nraise ValueError('no')\n");
    let mut slow = impatient.python("slow", "import time\ntime.sleep(60)\n");
    slow.timeout = Duration::from_secs(1);
    let missing = world.function("missing", Runtime::Provided, "other", "");

    let exited = tail(&world, &exits, "0").await;
    let raised = tail(&world, &raises, "0").await;
    let late = tail(&impatient, &slow, "0").await;
    let missing = tail(&world, &missing, "0").await;

    assert_eq!(exited[1], "last words");
    assert_eq!(exited[3], format!("{REPORT}|Init Duration|Status|Error Type"));
    assert!(exited[4].ends_with("Error: Runtime exited with error: exit status 3"), "{exited:?}");
    assert_eq!(exited[5], "Runtime.ExitError");
    assert_eq!(raised[0], "begun");
    assert!(raised[1].contains("ValueError: no"), "{raised:?}");
    let init = raised.iter().find(|line| line.starts_with("INIT_REPORT Init Duration: ")).unwrap();
    assert!(init.ends_with("Phase: init\tStatus: error"), "{init}");
    let shape: Vec<&str> = late.iter().map(|line| line.split([' ', '|']).next().unwrap()).collect();
    assert_eq!(shape[..4], ["INIT_REPORT", "INIT_REPORT", "START", "END"], "{late:?}");
    assert!(late[1].ends_with("Phase: invoke\tStatus: timeout"), "{late:?}");
    assert!(late.last().unwrap().ends_with("Task timed out after 1.00 seconds"), "{late:?}");
    assert_eq!(missing.last().unwrap(), "Runtime.ExitError");
    impatient.host.shutdown().await;
    world.host.shutdown().await;
}
