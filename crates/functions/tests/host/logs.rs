//! What functions print, as operators see it.

use stagecoach_functions::Followed;

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
