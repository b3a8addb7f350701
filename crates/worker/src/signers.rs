//! What this core signs with: the keys of the day, derived once for each credentials and region.

use std::cell::RefCell;
use std::sync::Arc;

use http::HeaderMap;
use stagecoach_base::UnixMillis;
use stagecoach_sigv4::{Credentials, DayKey, Signer, Target};

/// Keys kept. Rotated credentials leave theirs behind; the oldest go first.
const MOST: usize = 64;

struct Known {
    /// What [`Known::signer`] has a copy of; the same only while nobody rotated them.
    credentials: Arc<Credentials>,
    signer: Signer,
    key: DayKey,
}

/// This core's signers of Lambda calls.
#[derive(Default)]
pub(crate) struct Signers(RefCell<Vec<Known>>);

impl Signers {
    /// Signs a call of Lambda in `region`; see [`Signer::sign_with`].
    pub(crate) fn sign(
        &self,
        (credentials, region): (Arc<Credentials>, &str),
        target: Target<'_>,
        headers: &mut HeaderMap,
        body: &[u8],
        at: UnixMillis,
    ) {
        let mut known = self.0.borrow_mut();
        let is_it = |known: &Known| Arc::ptr_eq(&known.credentials, &credentials) && known.signer.region == region;
        match known.iter_mut().find(|known| is_it(known)) {
            Some(found) => {
                if !found.key.is_of(at) {
                    found.key = found.signer.key(at);
                }
                found.signer.sign_with(&found.key, target, headers, body, at);
            }
            None => {
                let copy = Credentials::clone(&credentials);
                let signer = Signer { credentials: copy, region: region.to_owned(), service: "lambda".to_owned() };
                let key = signer.key(at);
                signer.sign_with(&key, target, headers, body, at);
                if known.len() >= MOST {
                    known.remove(0);
                }
                known.push(Known { credentials, signer, key });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(key: &str) -> Arc<Credentials> {
        Arc::new(Credentials { access_key: key.into(), secret: "s".into(), token: None })
    }

    fn signed(by: impl FnOnce(Target<'_>, &mut HeaderMap)) -> String {
        let mut headers = HeaderMap::from_iter([(http::header::HOST, "h".parse().unwrap())]);
        by(Target { method: &http::Method::POST, path: "/", query: "" }, &mut headers);
        headers["authorization"].to_str().unwrap().to_owned()
    }

    #[test]
    fn a_kept_key_signs_as_a_fresh_one_does_over_days_regions_and_rotations() {
        let (signers, old, new) = (Signers::default(), credentials("old"), credentials("new"));
        let days = [1_709_210_096_789, 1_709_210_097_000, 1_709_251_200_000, 1_709_210_096_789].map(UnixMillis);

        for (credentials, region) in [(&old, "a"), (&new, "a"), (&old, "b"), (&old, "a")] {
            for at in days {
                let kept =
                    signed(|target, headers| signers.sign((credentials.clone(), region), target, headers, b"x", at));
                let signer =
                    Signer { credentials: (**credentials).clone(), region: region.into(), service: "lambda".into() };
                let fresh = signed(|target, headers| signer.sign(target.method, "/", "", headers, b"x", at));
                assert_eq!(kept, fresh);
            }
        }
        assert_eq!(signers.0.borrow().len(), 3);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let signers = Signers::default();

        for _ in 0..2 * MOST {
            signed(|target, headers| signers.sign((credentials("k"), "r"), target, headers, b"", UnixMillis(0)));
        }

        assert_eq!(signers.0.borrow().len(), MOST);
    }
}
