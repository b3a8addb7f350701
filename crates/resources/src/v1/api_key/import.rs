//! The file of ImportApiKeys (rest-admin-api §3.14): a header row, then a key a row.

use stagecoach_base::{AwsError, limits};

use super::{LONGEST_DESCRIPTION, LONGEST_NAME, check_value};
use crate::csv;

/// The only `format` there is.
pub const KEY_FILE_FORMAT: &str = "csv";
/// Shortest value in a file; longer than that of CreateApiKey [D].
const SHORTEST_VALUE: usize = 30;

/// What a file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Keys, in the file's order.
    pub keys: Vec<ImportedKey>,
    /// Rows left out, and why; AWS's texts are not known.
    pub warnings: Vec<String>,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedKey {
    /// Line of the file, for warnings.
    pub line: usize,
    /// `Name`.
    pub name: String,
    /// `Key`.
    pub value: String,
    /// `Description`.
    pub description: Option<String>,
    /// `Enabled`; true unless the file says otherwise [D].
    pub enabled: bool,
    /// `UsagePlanIds`.
    pub usage_plans: Vec<String>,
}

/// Reads a file.
///
/// # Errors
/// 400 for bytes that are no CSV with the columns Name and Key.
pub fn read(bytes: &[u8]) -> Result<Imported, AwsError> {
    if bytes.len() > limits::IMPORT_BYTES {
        return Err(AwsError::bad_request(format!("The API key file exceeds {} bytes.", limits::IMPORT_BYTES)));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| AwsError::bad_request("The API key file is not UTF-8 text."))?;
    let records = csv::read(text).map_err(|error| AwsError::bad_request(format!("Invalid API key file: {error}")))?;
    let mut records = records.into_iter();
    let columns = Columns::of(&records.next().map(|header| header.fields).unwrap_or_default())?;
    let mut imported = Imported::default();
    for record in records {
        match columns.key(&record) {
            Ok(key) => imported.keys.push(key),
            Err(error) => imported.warnings.push(format!("Line {}: {}", record.line, error.message())),
        }
    }
    Ok(imported)
}

/// Where the columns are; unknown ones are ignored, names are read without case.
struct Columns {
    name: usize,
    key: usize,
    description: Option<usize>,
    enabled: Option<usize>,
    plans: Option<usize>,
}

impl Columns {
    fn of(header: &[String]) -> Result<Self, AwsError> {
        let at = |name: &str| header.iter().position(|column| column.trim().eq_ignore_ascii_case(name));
        let required = |name: &str| {
            at(name).ok_or_else(|| AwsError::bad_request(format!("The API key file has no column {name}.")))
        };
        Ok(Self {
            name: required("Name")?,
            key: required("Key")?,
            description: at("Description"),
            enabled: at("Enabled"),
            plans: at("UsagePlanIds"),
        })
    }

    fn key(&self, record: &csv::Record) -> Result<ImportedKey, AwsError> {
        let cell = |at: usize| record.fields.get(at).map_or("", |cell| cell.trim());
        let optional = |at: Option<usize>| at.map(cell).filter(|cell| !cell.is_empty());
        let (name, value, description) = (cell(self.name), cell(self.key), optional(self.description));
        if name.is_empty() {
            return Err(AwsError::bad_request("API Key name must not be empty"));
        }
        if name.chars().count() > LONGEST_NAME {
            return Err(AwsError::bad_request("Invalid API Key name, can be at most 1024 characters."));
        }
        if description.is_some_and(|text| text.chars().count() > LONGEST_DESCRIPTION) {
            return Err(AwsError::bad_request("Invalid API Key description specified."));
        }
        check_value(value, SHORTEST_VALUE)?;
        let plans = optional(self.plans).unwrap_or_default().split(',').map(str::trim).filter(|id| !id.is_empty());
        Ok(ImportedKey {
            line: record.line,
            name: name.to_owned(),
            value: value.to_owned(),
            description: description.map(str::to_owned),
            enabled: optional(self.enabled).is_none_or(|text| text.eq_ignore_ascii_case("true")),
            usage_plans: plans.map(str::to_owned).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_in_any_order_and_case_and_unknown_ones_are_ignored_rest_admin_3_14() {
        let value = "k".repeat(30);
        let file =
            format!("KEY,colour,name,usageplanids,enabled\n{value},red,first,\"p1, p2\",FALSE\n{value}x,,second,,\n");

        let read = read(file.as_bytes()).unwrap();

        let [first, second] = &read.keys[..] else { panic!("{read:?}") };
        assert_eq!(
            (first.name.as_str(), first.enabled, &first.usage_plans[..]),
            ("first", false, &["p1".into(), "p2".into()][..])
        );
        assert!(second.enabled && second.usage_plans.is_empty() && second.description.is_none());
    }

    #[test]
    fn a_row_that_is_no_key_becomes_a_warning() {
        let file = format!("name,key\nshort,{}\n,{}\nlong,{}\n", "k".repeat(29), "k".repeat(30), "k".repeat(129));

        let read = read(file.as_bytes()).unwrap();

        assert!(read.keys.is_empty());
        assert_eq!(read.warnings[0], "Line 2: API Key value should be at least 30 characters");
        assert_eq!(read.warnings.len(), 3);
    }

    #[test]
    fn a_file_without_its_columns_is_refused() {
        for file in [&b""[..], b"name\nx", b"key\nx", b"name,key\n\"x", b"\xff"] {
            assert!(read(file).is_err());
        }
    }
}
