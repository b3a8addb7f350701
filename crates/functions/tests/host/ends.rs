//! What ends with an environment, with a host, and for using too much.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use stagecoach_functions::{Followed, Host, HostOptions, InvokeError};

use crate::support::{World, called, eventually, folders, invocation, mark, options, running};

/// Starts daemons in two ways, and waits when told to.
const DAEMONS: &str = "import os, subprocess, time\ndef handler(e, c):\n    \
    subprocess.Popen(['sleep', '4245'], start_new_session=True)\n    \
    if os.fork() == 0:\n        os.setsid()\n        if os.fork() == 0: os.execvp('sleep', ['sleep', '4246'])\n        os._exit(0)\n    \
    if e: time.sleep(60)\n";

#[tokio::test]
async fn daemons_end_with_their_environment() {
    let world = World::new();
    let mut python = world.python("daemons", DAEMONS);
    python.variables.insert("MARK".to_owned(), mark("daemon-mark"));

    world.call(&python, "0").await;
    eventually("both daemons run", || running("daemon-mark") >= 3).await;
    world.host.retire(&python.arn).await;
    let after_retirement = running("daemon-mark");
    python.timeout = Duration::from_secs(1);
    let late = world.call(&python, "1").await;

    assert_eq!(after_retirement, 0);
    assert!(late.contains("Task timed out after 1.00 seconds"), "{late}");
    eventually("all have ended", || running("daemon-mark") == 0).await;
    world.host.shutdown().await;
}

/// The host that other tests kill.
#[tokio::test]
#[ignore = "started by the tests that kill it"]
async fn a_host_to_be_killed() {
    let place = std::env::var("STAGECOACH_TEST_KILLED_HOST").unwrap();
    let world = World::with(|options| options.scratch = Path::new(&place).join("scratch"));
    let mut python = world.python("killed", DAEMONS);
    python.variables.insert("MARK".to_owned(), std::env::var("STAGECOACH_TEST_MARK").unwrap());

    println!("ready");
    world.call(&python, "1").await;
}

/// A host in a process of its own, whose function hangs and has started daemons.
async fn host_to_kill(place: &Path, name: &str) -> Child {
    let mut host = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ends::a_host_to_be_killed", "--ignored", "--nocapture"])
        .env("STAGECOACH_TEST_KILLED_HOST", place)
        .env("STAGECOACH_TEST_MARK", mark(name))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(host.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("ready")));
    eventually("the function and its daemons run", || running(name) >= 3).await;
    host
}

#[tokio::test]
async fn a_killed_host_leaves_nothing_behind() {
    let place = tempfile::tempdir().unwrap();
    let mut host = host_to_kill(place.path(), "killed-mark").await;

    host.kill().unwrap();
    host.wait().unwrap();

    eventually("all processes have ended", || running("killed-mark") == 0).await;
    eventually("its folder has gone", || folders(&place.path().join("scratch/hosts")).is_empty()).await;
}

#[tokio::test]
async fn what_a_killed_host_left_goes_when_the_next_one_starts() {
    let place = tempfile::tempdir().unwrap();
    let mut host = host_to_kill(place.path(), "left-mark").await;
    for watchdog in called("functions-watchdog", place.path()) {
        kill_process(Pid::from_raw(watchdog).unwrap(), Signal::KILL).unwrap();
    }
    host.kill().unwrap();
    host.wait().unwrap();
    let left = running("left-mark");

    let next = Host::new(HostOptions { scratch: place.path().join("scratch"), ..options(place.path()) });

    assert!(left >= 1, "{left}");
    eventually("all processes have ended", || running("left-mark") == 0).await;
    eventually("its folder has gone", || folders(&place.path().join("scratch/hosts")).is_empty()).await;
    next.shutdown().await;
}

#[tokio::test]
async fn a_living_host_on_the_same_folder_keeps_what_it_has() {
    let world = World::new();
    let python = world.python("alive", "import os\ndef handler(e, c): return os.getpid()\n");
    let before = world.call(&python, "0").await;

    let other = Host::new(options(world.folder.path()));
    other.invoke(Arc::new(python.clone()), invocation("0")).await.unwrap();
    let both = folders(&world.folder.path().join("scratch/hosts")).len();
    other.shutdown().await;
    let after = world.call(&python, "0").await;

    assert_eq!((both, before), (2, after));
    world.host.shutdown().await;
}

/// Killed for their memory, as on AWS: `Runtime.ExitError` and the signal.
#[tokio::test]
async fn an_environment_beyond_its_memory_ends_its_children_counted() {
    let world = World::new();
    let node = world.node(
        "large-node",
        "exports.handler = async () => {\n    const all = Array.from({ length: 30 }, () => Buffer.alloc(10 << 20, 1));\n    \
        await new Promise((r) => setTimeout(r, 15000));\n    return all.length;\n};\n",
    );
    let python = world.python(
        "large-child",
        "import subprocess\nlarge = 'import time; x = b\"x\" * (90 << 20); time.sleep(15)'\ndef handler(e, c):\n    \
        both = [subprocess.Popen(['python3', '-c', large], start_new_session=True) for _ in 'ab']\n    both[0].wait()\n",
    );

    let answers = [world.call(&node, "0").await, world.call(&python, "0").await];

    for answer in answers {
        assert!(answer.starts_with(r#"!{"errorType":"Runtime.ExitError""#), "{answer}");
        assert!(answer.contains("Runtime exited with error: signal: killed"), "{answer}");
    }
    let logged = world.host.logs("large-node");
    assert!(logged.iter().any(|line| line.contains("out of memory")), "{logged:?}");
    world.host.shutdown().await;
}

#[tokio::test]
async fn what_an_environment_used_is_reported() {
    let world = World::new();
    let python = world.python("used", "kept = []\ndef handler(n, c): kept.append(b'x' * (n << 20))\n");
    let used = |tail: &[u8]| {
        let text = String::from_utf8_lossy(tail).into_owned();
        let used = text.split("Memory Size: 128 MB\tMax Memory Used: ").nth(1).unwrap().split(' ').next().unwrap();
        used.parse::<u64>().unwrap()
    };

    let small = used(&world.invoke(&python, "0").await.unwrap().log_tail);
    let large = used(&world.invoke(&python, "50").await.unwrap().log_tail);

    assert!(small > 1 && large > small + 40, "{small} {large}");
    world.host.shutdown().await;
}

#[tokio::test]
async fn an_environment_with_too_many_processes_ends() {
    let world = World::with(|options| options.processes = 10);
    let mut python = world.python(
        "bomb",
        "import os, time\ndef handler(n, c):\n    for _ in range(n):\n        \
        if os.fork() == 0:\n            os.setsid()\n            time.sleep(60)\n    time.sleep(1 if n < 9 else 15)\n",
    );
    python.variables.insert("MARK".to_owned(), mark("bomb-mark"));

    let few = world.call(&python, "4").await;
    let many = world.call(&python, "12").await;

    assert_eq!(few, "null");
    assert!(many.contains("Runtime exited with error: signal: killed"), "{many}");
    eventually("all have ended", || running("bomb-mark") == 0).await;
    world.host.shutdown().await;
}

#[tokio::test]
async fn a_stop_is_not_the_failure_of_a_stream_that_is_wanted_whole() {
    let world = World::new();
    let text = "exports.handler = awslambda.streamifyResponse(async (event, out) => {\n    \
        out.write('some');\n    setTimeout(() => console.log('streaming'), 100);\n    \
        await new Promise((r) => setTimeout(r, 9000));\n});\n";
    let node = Arc::new(world.node("js", text));
    let mut follower = world.host.follow(&node.name);
    let host = world.host.clone();
    let running = tokio::spawn(async move { host.invoke(node, invocation("{}")).await });

    loop {
        let Some(Followed::Line(line)) = follower.next().await else { panic!("nothing was printed") };
        if line.contains("streaming") {
            break;
        }
    }
    world.host.shutdown().await;

    let error = running.await.unwrap().unwrap_err();
    assert!(matches!(error, InvokeError::Stopping), "{error:?}");
}
