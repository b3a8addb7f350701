//! Users and sandboxes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use stagecoach_functions::{HostOptions, InvokeError, Isolation, Runnable, Runtime};

use crate::support::{World, eventually, mark, running};

/// Leaves a process behind that has neither its variables nor its session nor its parent.
const HIDING: &str = "import os, subprocess, time\ndef handler(e, c):\n    \
    subprocess.run(['setsid', 'env', '-i', 'sh', '-c', 'sleep 4247 & sleep 0.1'])\n    if e: time.sleep(60)\n    \
    return os.getuid()\n";

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A world with the system's interpreters, whose files everyone may read, as an operator would have it who gives functions
/// users of their own.
fn open(change: impl FnOnce(&mut HostOptions)) -> World {
    world(change, 0o755)
}

fn world(change: impl FnOnce(&mut HostOptions), mode: u32) -> World {
    use std::os::unix::fs::PermissionsExt;
    let world = World::with(|options| {
        options.path = "/usr/local/bin:/usr/bin:/bin".to_owned();
        change(options);
    });
    std::fs::set_permissions(world.folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    world
}

/// A world with sandboxes; `None` where the program for them is not installed.
fn sandboxed(change: impl FnOnce(&mut HostOptions)) -> Option<World> {
    let there = ["/usr/local/bin", "/usr/bin", "/bin"].iter().any(|folder| Path::new(folder).join("bwrap").exists());
    if !there {
        eprintln!("bubblewrap is not installed: nothing tested");
        return None;
    }
    Some(open(|options| {
        options.isolation = Isolation::Bubblewrap;
        change(options);
    }))
}

/// How many processes have exactly these arguments.
fn sleeping(seconds: &str) -> usize {
    let wanted = format!("sleep\0{seconds}\0");
    let lines =
        std::fs::read_dir("/proc").unwrap().filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok());
    lines.filter(|line| line == wanted.as_bytes()).count()
}

async fn json_of(world: &World, function: &Runnable, payload: &str) -> Value {
    let answer = world.call(function, payload).await;
    serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{answer}"))
}

#[tokio::test]
async fn each_environment_has_a_user_of_its_own_where_the_host_may_give_it_one() {
    let world = open(|options| options.users = Some("20100-20101".parse().unwrap()));
    let text = "import os, time\ndef handler(e, c):\n    time.sleep(0.5)\n    \
        own = os.environ['TMPDIR']\n    open(own + '/x', 'w').close()\n    \
        try:\n        open(os.environ['LAMBDA_TASK_ROOT'] + '/x', 'w')\n        wrote = True\n    \
        except PermissionError:\n        wrote = False\n    \
        return [os.getuid(), os.getgid(), os.getgroups(), oct(os.stat(own).st_mode)[-3:], wrote]\n";
    let python = world.python("users", text);

    let (one, two, three) =
        tokio::join!(world.invoke(&python, "0"), world.invoke(&python, "0"), world.invoke(&python, "0"));

    if is_root() {
        let body = |invoked: Result<stagecoach_functions::Invoked, InvokeError>| match invoked.unwrap().answer {
            stagecoach_functions::Answer::Whole(body) => serde_json::from_slice::<Value>(&body).unwrap(),
            other => panic!("{other:?}"),
        };
        assert_eq!(body(one), json!([20100, 20100, [], "700", false]));
        assert_eq!(body(two), json!([20101, 20101, [], "700", false]));
        let refused = three.unwrap_err().to_string();
        assert!(refused.contains("20100-20101") && refused.contains("more users"), "{refused}");
    } else {
        assert!(one.unwrap_err().to_string().contains("only where the host runs as root"));
    }
    world.host.shutdown().await;
}

#[tokio::test]
async fn a_folder_that_a_functions_user_may_not_enter_is_named() {
    let world = world(|options| options.users = Some("20110".parse().unwrap()), 0o700);
    let python = world.python("closed", "def handler(e, c): return 1\n");

    let refused = world.invoke(&python, "0").await.unwrap_err().to_string();

    if !is_root() {
        assert!(refused.contains("only where the host runs as root"), "{refused}");
        return;
    }
    let folder = world.folder.path().to_str().unwrap();
    assert!(refused.contains("user 20110") && refused.contains(folder) && refused.contains("chmod o+x"), "{refused}");
    world.host.shutdown().await;
}

#[tokio::test]
async fn a_user_of_its_own_bounds_an_environments_processes_and_finds_those_that_hide() {
    if !is_root() {
        eprintln!("only root gives users: nothing tested");
        return;
    }
    let world = open(|options| {
        options.users = Some("20120-20129".parse().unwrap());
        options.processes = 20;
    });
    let text = "import os, time\ndef handler(n, c):\n    made = 0\n    try:\n        \
        for _ in range(n):\n            if os.fork() == 0:\n                time.sleep(60)\n            made += 1\n    \
        except BlockingIOError:\n        return made\n";
    let bomb = world.python("bomb", text);
    let hiding = world.python("hiding", HIDING);

    let made = json_of(&world, &bomb, "100").await;
    let user = json_of(&world, &hiding, "0").await;
    let before = sleeping("4247");
    world.host.retire(&hiding.arn).await;

    assert!((10..20).contains(&made.as_u64().unwrap()), "{made}");
    assert!((20120..20130).contains(&user.as_u64().unwrap()), "{user}");
    assert!(before >= 1);
    eventually("those that hid have ended", || sleeping("4247") == 0).await;
    world.host.shutdown().await;
}

/// What a function finds around itself.
const AROUND: &str = "import os, shutil\nimport first, second\ndef writes(path):\n    try:\n        \
    open(path, 'w').close()\n        return True\n    except OSError:\n        return False\n\
    def handler(outside, c):\n    return {\n        'root': os.environ['LAMBDA_TASK_ROOT'], 'cwd': os.getcwd(), \
    'runtime': os.environ['LAMBDA_RUNTIME_DIR'],\n        'opt': sorted(os.listdir('/opt')), 'layers': [first.X, second.X, shutil.which('tool')],\n        \
    'tmp': [os.environ['TMPDIR'], os.listdir('/tmp'), writes('/tmp/x')],\n        \
    'written': [writes(path + '/x') for path in ['/var/task', '/opt', '/usr', '/etc', '/var/runtime']],\n        \
    'seen': [os.path.exists(path) for path in [outside, '/etc/shadow', '/root', '/home', '/var/lib']],\n        \
    'processes': len([pid for pid in os.listdir('/proc') if pid.isdigit()]) < 8,\n        \
    'capabilities': [line.split()[1] for line in open('/proc/self/status') if line.startswith('CapEff')],\n    }\n";

#[tokio::test]
async fn a_sandbox_holds_the_system_the_code_and_the_layers_and_lets_nothing_be_written_but_tmp() {
    let Some(world) = sandboxed(|_| {}) else { return };
    let mut python = world.python("around", AROUND);
    let one = world.function("one", Runtime::Python, "python/first.py", "X = 'first'\n").code;
    let two = world.function("two", Runtime::Python, "python/second.py", "X = 'second'\n").code;
    std::fs::write(one.join("python/second.py"), "X = 'overridden'\n").unwrap();
    world.function("two", Runtime::Python, "bin/tool", "#!/bin/sh\n");
    python.layers = vec![one, two];

    let found = json_of(&world, &python, &format!("{:?}", world.folder.path().to_str().unwrap())).await;

    let expected = json!({
        "root": "/var/task", "cwd": "/var/task", "runtime": "/var/runtime",
        "opt": ["bin", "python"], "layers": ["first", "second", "/opt/bin/tool"],
        "tmp": ["/tmp", [], true],
        "written": [false, false, false, false, false],
        "seen": [false, false, false, false, false],
        "processes": true,
        "capabilities": ["0000000000000000"],
    });
    assert_eq!(found, expected);
    world.host.shutdown().await;
}

#[tokio::test]
async fn every_runtime_runs_in_a_sandbox_and_its_failures_are_told_as_outside() {
    let Some(world) = sandboxed(|_| {}) else { return };
    let node = world.node("js", "exports.handler = async (event) => [event, __dirname, process.env.HOME ?? null];\n");
    let text = "#!/bin/sh\nnext=\"http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation\"\n\
        curl -sS -D /tmp/headers \"$next/next\" >/tmp/event\n\
        id=$(grep -i aws-request-id /tmp/headers | tr -d '\\r' | cut -d' ' -f2)\n\
        curl -sS -o /dev/null -d \"\\\"$0\\\"\" \"$next/$id/response\"\nsleep 10\n";
    let shell = world.function("sh", Runtime::Provided, "bootstrap", text);
    let ending =
        world.python("end", "import os, sys\ndef handler(e, c):\n    sys.exit(e) if e else os.kill(os.getpid(), 9)\n");
    let large =
        world.python("large", "import time\ndef handler(e, c):\n    x = b'x' * (200 << 20)\n    time.sleep(15)\n");

    let answers = [
        world.call(&node, "1").await,
        world.call(&shell, "1").await,
        world.call(&ending, "3").await,
        world.call(&ending, "0").await,
        world.call(&large, "0").await,
    ];

    assert_eq!(answers[..2], [r#"[1,"/var/task",null]"#, r#""/var/task/bootstrap""#]);
    assert!(answers[2].contains("Runtime exited with error: exit status 3"), "{answers:?}");
    assert!(answers[3].contains("Runtime exited with error: signal: killed"), "{answers:?}");
    assert!(answers[4].contains("Runtime exited with error: signal: killed"), "{answers:?}");
    world.host.shutdown().await;
}

#[tokio::test]
async fn nothing_leaves_a_sandbox_and_what_it_used_is_reported() {
    let Some(world) = sandboxed(|_| {}) else { return };
    let mut hiding = world.python("hiding-in-a-sandbox", &HIDING.replace("4247", "4248"));
    hiding.variables.insert("MARK".to_owned(), mark("sandbox-mark"));

    let tail = world.invoke(&hiding, "0").await.unwrap().log_tail;
    let before = (sleeping("4248"), running("sandbox-mark"));
    hiding.timeout = Duration::from_secs(1);
    let late = world.call(&hiding, "1").await;

    let tail = String::from_utf8(tail).unwrap();
    let used = tail.split("Max Memory Used: ").nth(1).unwrap().split(' ').next().unwrap().parse::<u64>().unwrap();
    assert!(used >= 5, "{tail}");
    assert!(before.0 >= 1 && before.1 >= 1, "{before:?}");
    assert!(late.contains("Task timed out"), "{late}");
    eventually("all have ended", || sleeping("4248") + running("sandbox-mark") == 0).await;
    world.host.shutdown().await;
}

#[tokio::test]
async fn a_functions_variables_that_load_code_do_not_reach_the_sandbox_program_itself() {
    let Some(world) = sandboxed(|_| {}) else { return };
    let text =
        "import os\ndef handler(e, c): return [os.environ[n] for n in ('LD_AUDIT', 'LD_LIBRARY_PATH', 'LOCPATH')]\n";
    let mut python = world.python("loading", text);
    for name in ["LD_AUDIT", "LOCPATH"] {
        python.variables.insert(name.to_owned(), "/nowhere".to_owned());
    }

    let inside = json_of(&world, &python, "0").await;
    let folder = world.folder.path().to_str().unwrap();
    let read = |pid: &Path, name: &str| {
        String::from_utf8_lossy(&std::fs::read(pid.join(name)).unwrap_or_default()).into_owned()
    };
    let pids = std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    let all: Vec<(String, String)> = pids.map(|pid| (read(&pid, "cmdline"), read(&pid, "environ"))).collect();
    let bwraps: Vec<_> = all.iter().filter(|(line, own)| line.contains("bwrap\0") && own.contains(folder)).collect();

    assert_eq!(inside, json!(["/nowhere", "/var/task:/var/task/lib", "/nowhere"]));
    assert!(!bwraps.is_empty());
    for (line, own) in bwraps {
        assert!(!own.contains("\0LD_") && !own.starts_with("LD_") && !own.contains("LOCPATH"), "{own}");
        assert!(line.contains("--setenv\0LD_LIBRARY_PATH\0/var/task:/var/task/lib\0"), "{line}");
    }
    world.host.shutdown().await;
}

#[tokio::test]
async fn a_sandbox_can_have_a_user_of_its_own() {
    if !is_root() {
        eprintln!("only root gives users: nothing tested");
        return;
    }
    let Some(world) = sandboxed(|options| options.users = Some("20130-20139".parse().unwrap())) else { return };
    let text = "import os\ndef handler(e, c):\n    open('/tmp/x', 'w').close()\n    return [os.getuid(), os.listdir('/tmp')]\n";
    let python = Arc::new(world.python("both", text));

    let answer = json_of(&world, &python, "0").await;

    assert_eq!(answer, json!([20130, ["x"]]));
    world.host.shutdown().await;
}

#[tokio::test]
async fn a_missing_sandbox_program_is_named() {
    let world = World::with(|options| {
        options.isolation = Isolation::Bubblewrap;
        options.path = "/nowhere".to_owned();
    });
    let python = world.python("py", "def handler(e, c): return 1\n");

    let error = world.invoke(&python, "0").await.unwrap_err();

    let InvokeError::NotRunnable(text) = error else { panic!("{error:?}") };
    assert!(text.contains("bwrap") && text.contains("install the package bubblewrap"), "{text}");
}
