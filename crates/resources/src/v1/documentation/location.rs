//! What a documentation part is about, and which members that takes.

use serde::{Deserialize, Serialize};
use stagecoach_base::{AwsError, Verb};

use super::DocumentationPart;
use crate::input::{Constraints, Members, is_status};

/// `DocumentationPartLocation`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Location {
    /// `API`, `METHOD`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// Resource path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Verb, or `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Status, or `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_code: Option<String>,
    /// Name of a parameter, model or authorizer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A type and the members that its location may have.
struct Kind {
    name: &'static str,
    path: bool,
    method: bool,
    status: bool,
    naming: Naming,
}

#[derive(PartialEq)]
enum Naming {
    None,
    May,
    Must,
}

const fn kind(name: &'static str, depth: u8, naming: Naming) -> Kind {
    Kind { name, path: depth > 0, method: depth > 1, status: depth > 2, naming }
}

/// In AWS's order (rest-admin-api §2.4); members as its reference says [D DocumentationPartLocation], but that a
/// REQUEST_BODY has no name of its own in any client or console, so none is asked for.
const KINDS: [Kind; 12] = [
    kind("RESPONSE_BODY", 3, Naming::None),
    kind("RESPONSE", 3, Naming::None),
    kind("METHOD", 2, Naming::None),
    kind("MODEL", 0, Naming::Must),
    kind("AUTHORIZER", 0, Naming::Must),
    kind("RESPONSE_HEADER", 3, Naming::Must),
    kind("RESOURCE", 1, Naming::None),
    kind("PATH_PARAMETER", 2, Naming::Must),
    kind("REQUEST_BODY", 2, Naming::May),
    kind("QUERY_PARAMETER", 2, Naming::Must),
    kind("API", 0, Naming::None),
    kind("REQUEST_HEADER", 2, Naming::Must),
];

impl Location {
    /// Reads `location` of CreateDocumentationPart.
    pub(super) fn read(input: Members<'_>, constraints: &mut Constraints) -> Result<Self, AwsError> {
        let given = input.structure("location")?;
        constraints.required("location", given.is_some());
        let Some(given) = given else { return Ok(Self::default()) };
        let kind = given.text("type")?;
        let text = |member: &str| given.text(member).map(|text| text.filter(|text| !text.is_empty()));
        let (path, method, status_code) = (text("path")?, text("method")?, text("statusCode")?);
        constraints.required("location.type", kind.is_some());
        constraints.one_of("location.type", kind.as_deref(), &KINDS.each_ref().map(|kind| kind.name));
        let fits = |status: &str| status == "*" || status.trim().is_empty() || is_status(status);
        constraints.pattern("location.statusCode", status_code.as_deref(), r"^([1-5]\d\d|\*|\s*)$", fits);
        Ok(Self { kind: kind.unwrap_or_default(), path, method, status_code, name: text("name")? })
    }

    /// The members this type of location takes.
    ///
    /// # Errors
    /// 400 for an unknown type, or for a member that the type does not take, or lacks.
    pub fn check(&self) -> Result<(), AwsError> {
        let refuse = |what: &str| Err(AwsError::bad_request(format!("Invalid documentation part location: {what}")));
        let Some(kind) = self.of_kind() else { return refuse(&format!("type '{}' is unknown", self.kind)) };
        let members = [
            ("path", self.path.is_some(), kind.path),
            ("method", self.method.is_some(), kind.method),
            ("statusCode", self.status_code.is_some(), kind.status),
            ("name", self.name.is_some(), kind.naming != Naming::None),
        ];
        if let Some((member, ..)) = members.iter().find(|(_, there, takes)| *there && !takes) {
            return refuse(&format!("{member} is not valid for type '{}'", self.kind));
        }
        if kind.naming == Naming::Must && self.name.is_none() {
            return refuse(&format!("name is required for type '{}'", self.kind));
        }
        if self.path.as_deref().is_some_and(|path| !path.starts_with('/')) {
            return refuse("path must start with a slash");
        }
        let verb = |method: &str| method == "*" || method.parse::<Verb>().is_ok();
        match self.method.as_deref().is_none_or(verb) {
            true => Ok(()),
            false => refuse("method must be a verb or *"),
        }
    }

    fn of_kind(&self) -> Option<&'static Kind> {
        KINDS.iter().find(|kind| kind.name == self.kind)
    }

    /// The location with AWS's defaults written out: two that come to the same are the same [D].
    pub(super) fn in_full(&self) -> Self {
        let mut full = self.clone();
        let Some(kind) = self.of_kind() else { return full };
        let default = |member: &mut Option<String>, takes: bool, value: &str| {
            if takes && member.is_none() {
                *member = Some(value.to_owned());
            }
        };
        default(&mut full.path, kind.path, "/");
        default(&mut full.method, kind.method, "*");
        default(&mut full.status_code, kind.status, "*");
        full
    }

    /// The location with a path, if it may have one: that is all that AWS fills in when it stores a part [V a].
    #[must_use]
    pub fn with_path(self) -> Self {
        Self { path: self.in_full().path, ..self }
    }

    /// `type 'METHOD', path '/', method 'GET'` [D].
    pub fn describe(&self) -> String {
        let members = [
            ("path", self.path.as_ref()),
            ("method", self.method.as_ref()),
            ("statusCode", self.status_code.as_ref()),
            ("name", self.name.as_ref()),
        ];
        let there = members.iter().filter_map(|(member, value)| Some(format!(", {member} '{}'", value.as_ref()?)));
        format!("type '{}'{}", self.kind, there.collect::<String>())
    }
}

/// The query of GetDocumentationParts.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// `type=`.
    pub kind: Option<String>,
    /// `name=`.
    pub name: Option<String>,
    /// `path=`.
    pub path: Option<String>,
    /// `locationStatus=`: parts with content, or the places that have none.
    pub status: Option<String>,
}

impl Filter {
    /// Checks the closed sets.
    ///
    /// # Errors
    /// `ValidationException`.
    pub fn check(&self) -> Result<(), AwsError> {
        let mut constraints = Constraints::default();
        constraints.uri_one_of("type", self.kind.as_deref(), &KINDS.each_ref().map(|kind| kind.name));
        constraints.uri_one_of("locationStatus", self.status.as_deref(), &["DOCUMENTED", "UNDOCUMENTED"]);
        constraints.check()
    }

    /// Whether places without content are asked for.
    pub fn wants_undocumented(&self) -> bool {
        self.status.as_deref() == Some("UNDOCUMENTED")
    }

    /// Whether the part is asked for.
    pub fn takes(&self, part: &DocumentationPart) -> bool {
        let location = &part.location;
        let fits = |wanted: &Option<String>, given: Option<&String>| wanted.is_none() || wanted.as_ref() == given;
        fits(&self.kind, Some(&location.kind))
            && fits(&self.name, location.name.as_ref())
            && fits(&self.path, location.path.as_ref())
    }
}
