//! Page tokens: opaque to clients, the last id of the page to us (rest-admin-api §2.3).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use stagecoach_base::AwsError;

/// Items of a page unless asked otherwise.
pub const DEFAULT: u32 = 25;
/// Items of a page at most.
pub const LARGEST: u32 = 500;

/// The token for the page after `last_id`.
pub fn encode(last_id: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("1:{last_id}"))
}

/// The id in a token.
///
/// # Errors
/// 400 for a token that [`encode`] did not make.
pub fn decode(token: &str) -> Result<String, AwsError> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).filter(|text| !text.contains('\0'));
    let id = text.as_deref().and_then(|text| text.strip_prefix("1:"));
    id.map(str::to_owned).ok_or_else(|| AwsError::bad_request("Invalid position parameter"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_read_back_and_others_are_refused() {
        let token = encode("a/GET");

        assert_eq!(decode(&token).unwrap(), "a/GET");
        assert!(decode("x").is_err() && decode("%%%").is_err() && decode("").is_err());
        assert!(decode(&encode("\0")).is_err());
    }
}
