//! `FunctionEventInvokeConfig`: how asynchronous invocations of a function, a version or an alias are handled.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use stagecoach_base::UnixMillis;

/// The document of one qualifier.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventConfig {
    /// `MaximumRetryAttempts`: retries after the function's own errors.
    pub(crate) retries: Option<u32>,
    /// `MaximumEventAgeInSeconds`.
    pub(crate) age: Option<u32>,
    /// ARN of the function that hears of successes.
    pub(crate) on_success: Option<String>,
    /// ARN of the function that hears of events that were given up.
    pub(crate) on_failure: Option<String>,
    /// When it was last written.
    pub(crate) modified: UnixMillis,
}

impl EventConfig {
    /// AWS's shape; `arn` is that of the qualifier.
    pub(crate) fn shape(&self, arn: &str) -> Value {
        let mut shape = Map::new();
        shape.insert("LastModified".into(), seconds(self.modified));
        shape.insert("FunctionArn".into(), arn.into());
        for (member, value) in [("MaximumRetryAttempts", self.retries), ("MaximumEventAgeInSeconds", self.age)] {
            if let Some(value) = value {
                shape.insert(member.into(), value.into());
            }
        }
        let destination = |arn: &Option<String>| arn.as_ref().map_or(json!({}), |arn| json!({ "Destination": arn }));
        shape.insert(
            "DestinationConfig".into(),
            json!({ "OnSuccess": destination(&self.on_success), "OnFailure": destination(&self.on_failure) }),
        );
        Value::Object(shape)
    }
}

/// A timestamp as this shape has it: seconds, with a fraction.
fn seconds(at: UnixMillis) -> Value {
    let (whole, rest) = (at.0.div_euclid(1000), at.0.rem_euclid(1000));
    serde_json::from_str(&format!("{whole}.{rest:03}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_with_a_fraction() {
        assert_eq!(seconds(UnixMillis(1_573_687_896_049)).to_string(), "1573687896.049");
    }
}
