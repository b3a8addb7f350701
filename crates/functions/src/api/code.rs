//! Packages as calls bring them: in the body, or by the name of an object. Both are unpacked here before anything is written.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;
use stagecoach_store::{Blob, Write};
use tokio::sync::AcquireError;

use super::documents::Cx;
use crate::ObjectName;
use crate::errors::{self, Code, LambdaError};
use crate::model::kinds;
use crate::package::{LARGEST_UNZIPPED, LARGEST_ZIPPED};

/// MiB of packages that are taken in at once; others wait. A package is in memory as it came and as the store has it.
pub(super) const ROOM: usize = 1000;

/// Where a package is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// `ZipFile`, decoded.
    Sent(Bytes),
    /// `S3Bucket`, `S3Key` and `S3ObjectVersion`.
    Named(ObjectName),
}

impl Source {
    /// MiB that it may take: of an object, whose size is not known before, the most.
    fn room(&self) -> u32 {
        let bytes = match self {
            Self::Sent(zip) => u64::try_from(zip.len()).unwrap_or(LARGEST_UNZIPPED),
            Self::Named(_) => LARGEST_UNZIPPED,
        };
        u32::try_from(bytes.div_ceil(1024 * 1024)).unwrap_or(u32::MAX)
    }
}

/// The source in `Code`, in `Content`, or among the members of UpdateFunctionCode.
///
/// # Errors
/// 400 for no source, two of them, or names that are none; 413 for a package that is too large to be sent.
pub(super) fn source(code: &Value) -> Result<Source, LambdaError> {
    let member = |name: &str| code[name].as_str();
    match (member("ZipFile"), member("S3Bucket"), member("S3Key")) {
        (Some(text), None, None) => sent(text).map(Source::Sent),
        (Some(_), ..) => Err(LambdaError::invalid(errors::TWO_SOURCES)),
        (None, Some(bucket), Some(key)) => Ok(Source::Named(ObjectName {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            version: member("S3ObjectVersion").map(str::to_owned),
        })),
        (None, ..) => Err(LambdaError::invalid(errors::CODE_MISSING)),
    }
}

fn sent(text: &str) -> Result<Bytes, LambdaError> {
    let zip = STANDARD
        .decode(text)
        .map_err(|_| LambdaError::new(Code::Serialization, "The member ZipFile is not base64."))?;
    match zip.len() {
        0 => Err(LambdaError::invalid(errors::EMPTY_ZIP)),
        len if len > LARGEST_ZIPPED => Err(LambdaError::new(
            Code::RequestTooLarge,
            format!("The package is {len} bytes; at most {LARGEST_ZIPPED} can be sent."),
        )),
        _ => Ok(Bytes::from(zip)),
    }
}

/// Fetches a package if need be, unpacks it here, which proves that it can be, and packs it for the store.
///
/// # Errors
/// What S3 refuses, in AWS's words; 400 for what is no package or too large.
pub(super) async fn keep(cx: &Cx<'_>, source: Source) -> Result<Blob, LambdaError> {
    let closed = |error: AcquireError| LambdaError::new(Code::Service, error.to_string());
    let _room = cx.functions.taking.acquire_many(source.room()).await.map_err(closed)?;
    let zip = match source {
        Source::Sent(zip) => zip,
        Source::Named(object) => fetch(cx, &object).await?,
    };
    let bytes = zip.clone();
    let packed = tokio::task::spawn_blocking(move || Blob::pack(&bytes)).await;
    let blob = packed.map_err(|error| LambdaError::new(Code::Service, error.to_string()))??;
    cx.functions.packages.unpack(&blob.digest(), zip, cx.functions.parts.entropy.next_u64()).await?;
    Ok(blob)
}

/// Keeps a package in the store, and who brought it: a blob that was there before is somebody else's, too, and stays for good.
///
/// # Errors
/// When the store fails.
pub(super) async fn put(write: &mut Write, blob: &Blob) -> Result<(), LambdaError> {
    if write.put_blob(blob).await? {
        write.put(&kinds::package_doc(blob.digest())?).await?;
    }
    Ok(())
}

/// A package from S3 may be larger than one that is sent, as long as it unpacks to what is allowed [D: Lambda quotas].
async fn fetch(cx: &Cx<'_>, object: &ObjectName) -> Result<Bytes, LambdaError> {
    let objects = cx.functions.objects.as_ref().ok_or_else(|| LambdaError::invalid(errors::NO_S3))?;
    let largest = usize::try_from(LARGEST_UNZIPPED).unwrap_or(usize::MAX);
    let zip = objects.get(object, largest).await.map_err(|error| error.told(object))?;
    if zip.is_empty() { Err(LambdaError::invalid(errors::EMPTY_ZIP)) } else { Ok(zip) }
}
