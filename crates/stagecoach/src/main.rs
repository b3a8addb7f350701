//! The stagecoach binary: composition root. Time, randomness, environment and signals enter here and nowhere else.

mod bench;
mod check;
mod cli;
mod compose;
mod control;
mod dev;
mod explain;
mod files;
mod fleet;
mod forward;
mod function_files;
mod function_logs;
mod function_metrics;
mod functions;
mod keys;
mod lambda;
mod lambda_endpoints;
mod logging;
mod pki;
mod profiles;
mod signals;
mod system;
mod template;
mod worker;

use std::process::ExitCode;

use cli::Command;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exit code for a bad command line, configuration file or input file.
const USAGE: u8 = 64;

fn main() -> ExitCode {
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::from(USAGE);
        }
    };
    logging::init(&cli.log);
    let outcome = match cli.command {
        Command::Dev(options) => dev::run(*options),
        Command::Control(options) => control::run(options),
        Command::Worker(options) => worker::run(options),
        Command::Functions(options) => functions::run(options),
        Command::Key(command) => keys::run(command),
        Command::Fleet(command) => fleet::run(command),
        Command::Pki(command) => pki::run(command),
        Command::Check(options) => check::run(&options),
        Command::Explain(options) => explain::run(&options),
        Command::Template(command) => template::run(&command),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("stagecoach: {error:#}");
            ExitCode::FAILURE
        }
    }
}
