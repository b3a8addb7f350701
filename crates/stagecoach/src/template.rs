//! `stagecoach template render FILE`: what a mapping template makes of a message, offline.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use clap::{Args, Subcommand};
use serde_json::{Map, Value};
use stagecoach_vtl::gateway::{self, Facts, Overrides, Place};
use stagecoach_vtl::{Limits, Template};

/// `stagecoach template`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print what a template makes of a message; what it overrides goes to standard error
    Render(Render),
}

/// `stagecoach template render`.
#[derive(Debug, Args)]
pub(crate) struct Render {
    /// The template
    file: PathBuf,
    /// File with the body behind `$input`; `-` reads standard input
    #[arg(long)]
    body: Option<PathBuf>,
    /// `$input.params()` as JSON: {"path": {…}, "querystring": {…}, "header": {…}}
    #[arg(long, default_value = "{}")]
    params: String,
    /// `$context` as JSON: {"httpMethod": "GET", "identity": {…}, …}
    #[arg(long, default_value = "{}")]
    context: String,
    /// `$stageVariables` as JSON
    #[arg(long, default_value = "{}")]
    stage_variables: String,
    /// Largest number of rounds of a #foreach
    #[arg(long, env = "STAGECOACH_MAX_ITERATIONS", default_value_t = 1000)]
    max_iterations: usize,
}

/// Runs a subcommand.
///
/// # Errors
/// Input that cannot be read; what is wrong with the template, with file, line and column.
pub(crate) fn run(command: &Command) -> anyhow::Result<()> {
    let Command::Render(options) = command;
    let text = std::fs::read_to_string(&options.file);
    let text = text.with_context(|| format!("cannot read {}", options.file.display()))?;
    let message = Message {
        body: options.body.as_deref().map_or(Ok(String::new()), body)?,
        parameters: object("--params", &options.params)?,
        context: object("--context", &options.context)?,
        stage_variables: texts(&object("--stage-variables", &options.stage_variables)?),
    };
    check_places(&message.parameters)?;
    let (output, overrides) = render(&text, &message, options.max_iterations)
        .map_err(|error| anyhow!("{}: {error}", options.file.display()))?;
    std::io::stdout().write_all(output.as_bytes())?;
    report(&overrides);
    Ok(())
}

fn render(text: &str, message: &Message, iterations: usize) -> anyhow::Result<(String, Overrides)> {
    let limits = Limits { iterations, ..Limits::default() };
    let mut overrides = Overrides::default();
    let output = gateway::transform(&Template::parse(text)?, message, &mut overrides, &limits)?;
    Ok((output, overrides))
}

fn body(path: &Path) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        std::io::stdin().read_to_end(&mut bytes).context("cannot read standard input")?;
    } else {
        bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    }
    // As a request's body is read.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn object(flag: &str, text: &str) -> anyhow::Result<Map<String, Value>> {
    match serde_json::from_str(text).with_context(|| format!("{flag} is not JSON"))? {
        Value::Object(members) => Ok(members),
        _ => bail!("{flag} is not a JSON object"),
    }
}

fn texts(members: &Map<String, Value>) -> BTreeMap<String, String> {
    members.iter().map(|(name, value)| (name.clone(), text(value).into_owned())).collect()
}

/// Strings as they are, anything else as JSON.
fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => text.into(),
        other => other.to_string().into(),
    }
}

/// Places of parameters and their names in `--params`.
const PLACES: [(Place, &str); 3] = [(Place::Path, "path"), (Place::Query, "querystring"), (Place::Header, "header")];

fn check_places(parameters: &Map<String, Value>) -> anyhow::Result<()> {
    let unknown = parameters.iter().find(|(name, value)| !value.is_object() || PLACES.iter().all(|(_, p)| p != name));
    match unknown {
        Some((name, _)) => bail!("--params: `{name}` is not one of path, querystring and header, with an object"),
        None => Ok(()),
    }
}

/// Overrides have no place in the output.
fn report(overrides: &Overrides) {
    let parts = [
        ("requestOverride.path", &overrides.path),
        ("requestOverride.querystring", &overrides.querystring),
        ("requestOverride.header", &overrides.header),
        ("responseOverride.header", &overrides.response_header),
    ];
    for (part, values) in parts {
        for (name, values) in values {
            eprintln!("{part}.{name}: {}", values.join(", "));
        }
    }
    if let Some(status) = overrides.status {
        eprintln!("responseOverride.status: {status}");
    }
}

/// A message made of the flags.
struct Message {
    body: String,
    parameters: Map<String, Value>,
    context: Map<String, Value>,
    stage_variables: BTreeMap<String, String>,
}

impl Message {
    fn place(&self, place: Place) -> impl Iterator<Item = (&String, &Value)> {
        let name = PLACES.iter().find(|(known, _)| *known == place).map_or("", |(_, name)| name);
        self.parameters.get(name).and_then(Value::as_object).into_iter().flatten()
    }
}

impl Facts for Message {
    fn body(&self) -> Cow<'_, str> {
        self.body.as_str().into()
    }

    fn parameter(&self, place: Place, name: &str) -> Option<Cow<'_, str>> {
        let same = |known: &str| known == name || (place == Place::Header && known.eq_ignore_ascii_case(name));
        self.place(place).find(|(known, _)| same(known)).map(|(_, value)| text(value))
    }

    fn parameters(&self, place: Place) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
        self.place(place).map(|(name, value)| (name.as_str().into(), text(value))).collect()
    }

    fn context(&self, name: &str) -> Option<Cow<'_, str>> {
        let mut names = name.split('.');
        let first = self.context.get(names.next()?)?;
        let value = names.try_fold(first, |value, name| value.get(name))?;
        (!value.is_null()).then(|| text(value))
    }

    fn more_context(&self) -> Option<Cow<'_, str>> {
        Some(serde_json::to_string(&self.context).unwrap_or_default().into())
    }

    fn stage_variables(&self) -> &BTreeMap<String, String> {
        &self.stage_variables
    }
}
