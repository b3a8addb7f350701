use super::*;

fn args(list: &[&str]) -> impl Iterator<Item = OsString> {
    list.iter().map(OsString::from).collect::<Vec<_>>().into_iter()
}

#[test]
fn a_flag_beats_the_file_and_the_file_beats_the_default() {
    let dir = std::env::temp_dir().join(format!("stagecoach-cli-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let file = dir.join("worker.toml");
    std::fs::write(&file, "control-plane = [\"https://a:1\", \"https://b:2\"]\nregion = \"eu-west-1\"\ncores = 3\n")
        .unwrap();

    let cli = parse(args(&["stagecoach", "worker", "--cores", "5", "--config", &file.to_string_lossy()])).unwrap();

    let Command::Worker(worker) = cli.command else { panic!("not a worker") };
    assert_eq!(worker.control_plane, ["https://a:1", "https://b:2"]);
    assert_eq!((worker.names.region.as_str(), worker.traffic.cores), ("eu-west-1", 5));
}

#[test]
fn a_key_that_is_no_flag_is_named() {
    let file = std::env::temp_dir().join(format!("stagecoach-cli-bad-{}.toml", std::process::id()));
    std::fs::write(&file, "contol-plane = 1\n").unwrap();

    let error = parse(args(&["stagecoach", "worker", "--config", &file.to_string_lossy()])).unwrap_err();

    assert!(error.to_string().contains("`contol-plane` is no flag of `worker`"), "{error}");
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}
