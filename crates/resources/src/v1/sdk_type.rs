//! SdkType (rest-admin-api §3.23): the catalogue of client generators, as AWS lists it.

use stagecoach_base::AwsError;

/// One kind of client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SdkType {
    /// How it is addressed.
    pub id: &'static str,
    /// How it is called.
    pub friendly_name: &'static str,
    /// What it is.
    pub description: &'static str,
    /// Query parameters that GetSdk takes for it.
    pub properties: &'static [Property],
}

/// A query parameter of GetSdk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Property {
    /// Name of the parameter.
    pub name: &'static str,
    /// How it is called.
    pub friendly_name: &'static str,
    /// What it is.
    pub description: &'static str,
    /// Whether a generator cannot do without it.
    pub required: bool,
    /// What it is when not given.
    pub default_value: Option<&'static str>,
}

const fn required(name: &'static str, friendly_name: &'static str, description: &'static str) -> Property {
    Property { name, friendly_name, description, required: true, default_value: None }
}

const fn optional(
    name: &'static str,
    friendly_name: &'static str,
    description: &'static str,
    default_value: Option<&'static str>,
) -> Property {
    Property { name, friendly_name, description, required: false, default_value }
}

const CLASS_PREFIX: Property = required("classPrefix", "Prefix", "Begins the name of every class");
const SERVICE_NAME: Property = required("service.name", "Service Name", "Names the client");

/// In id order, which is the order of the list. Names are AWS's, descriptions are ours.
pub const SDK_TYPES: &[SdkType] = &[
    SdkType {
        id: "android",
        friendly_name: "Android",
        description: "Client for Android",
        properties: &[
            required("groupId", "Group ID", "Group of the library"),
            required("invokerPackage", "Invoker package", "Java package of the client"),
            required("artifactId", "Artifact ID", "Name of the library"),
            required("artifactVersion", "Artifact version", "Version of the library"),
        ],
    },
    SdkType {
        id: "java",
        friendly_name: "Java SDK",
        description: "Client for Java",
        properties: &[
            SERVICE_NAME,
            required("java.package-name", "Java Package Name", "Package of the client"),
            optional("java.build-system", "Java Build System", "maven or gradle", Some("maven")),
            optional("java.group-id", "Java Group Id", "Group of the library", None),
            optional("java.artifact-id", "Java Artifact Id", "Name of the library", None),
            optional("java.artifact-version", "Java Artifact Version", "Version of the library", Some("1.0-SNAPSHOT")),
            optional("java.license-text", "Source Code License Text", "Begins every source file", None),
        ],
    },
    SdkType {
        id: "javascript",
        friendly_name: "JavaScript",
        description: "Client for browsers and Node, without dependencies",
        properties: &[],
    },
    SdkType {
        id: "objectivec",
        friendly_name: "iOS (Objective-C)",
        description: "Client for iOS in Objective-C",
        properties: &[CLASS_PREFIX],
    },
    SdkType {
        id: "ruby",
        friendly_name: "Ruby",
        description: "Client for Ruby",
        properties: &[
            SERVICE_NAME,
            optional("ruby.gem-name", "Ruby Gem Name", "Name of the gem", None),
            optional("ruby.gem-version", "Ruby Gem Version", "Version of the gem", Some("1.0.0")),
        ],
    },
    SdkType {
        id: "swift",
        friendly_name: "iOS (Swift)",
        description: "Client for iOS in Swift",
        properties: &[CLASS_PREFIX],
    },
];

/// The one kind this gateway generates.
pub const GENERATED: &str = "javascript";

/// The kind with `id`.
///
/// # Errors
/// 404; AWS's text is not known.
pub fn find(id: &str) -> Result<&'static SdkType, AwsError> {
    let found = SDK_TYPES.iter().find(|kind| kind.id == id);
    found.ok_or_else(|| AwsError::not_found("Invalid sdk type identifier specified"))
}

/// Checks that a client of kind `id` can be generated.
///
/// # Errors
/// 400 for what AWS does not know, and for what this gateway does not generate.
pub fn generated(id: &str) -> Result<(), AwsError> {
    find(id).map_err(|_| AwsError::bad_request(format!("Invalid sdk type specified: {id}")))?;
    match id == GENERATED {
        true => Ok(()),
        false => Err(AwsError::bad_request(format!(
            "This gateway does not generate SDKs of type {id}. Must be one of: [{GENERATED}]. For other languages, export the \
             stage as OpenAPI and use a generator of your choice."
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_sorted_and_one_kind_is_generated_rest_admin_3_23() {
        assert!(SDK_TYPES.is_sorted_by_key(|kind| kind.id));
        assert!(find("javascript").is_ok() && generated("javascript").is_ok());
        assert_eq!(generated("java").unwrap_err().code().status(), 400);
        assert_eq!(generated("cobol").unwrap_err().code().status(), 400);
        assert_eq!(find("cobol").unwrap_err().code().status(), 404);
    }
}
