//! SdkType (rest-admin-api §3.23): the catalogue of client generators, as AWS lists it.

use stagecoach_base::AwsError;

/// One kind of client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SdkType {
    /// How it is addressed.
    pub id: &'static str,
    /// How it is called.
    pub friendly_name: &'static str,
    /// Query parameters that GetSdk needs for it.
    pub properties: &'static [&'static str],
}

/// In id order, which is the order of the list.
pub const SDK_TYPES: &[SdkType] = &[
    SdkType {
        id: "android",
        friendly_name: "Android",
        properties: &["groupId", "artifactId", "artifactVersion", "invokerPackage"],
    },
    SdkType { id: "java", friendly_name: "Java SDK", properties: &["serviceName", "javaPackageName"] },
    SdkType { id: "javascript", friendly_name: "JavaScript", properties: &[] },
    SdkType { id: "objectivec", friendly_name: "iOS (Objective-C)", properties: &["classPrefix"] },
    SdkType { id: "ruby", friendly_name: "Ruby", properties: &["service.name"] },
    SdkType { id: "swift", friendly_name: "iOS (Swift)", properties: &["classPrefix"] },
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
