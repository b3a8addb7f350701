//! Layers: packages that functions share.

use serde_json::{Map, Value, json};
use stagecoach_base::Digest;
use stagecoach_wire::page;

use super::code;
use super::documents::{ALL, Cx, Outcome, Read, empty, reply};
use crate::errors::{self, LambdaError};
use crate::model::layer::{self, Layer, LayerVersion};
use crate::model::policy::Policy;
use crate::model::{function, kinds};

/// PublishLayerVersion.
pub(super) async fn publish(cx: &Cx<'_>) -> Outcome {
    let (name, body) = (layer::name(cx.call.label("LayerName"), cx.scope())?, cx.body()?);
    let source = code::source(&body["Content"])?;
    let blob = code::keep(cx, source).await?;
    let mut write = cx.write_in(kinds::layer_root(&name)).await?;
    let found = write.get(&kinds::layer(&name)).await?;
    let mut layer = match &found {
        Some(doc) => kinds::body(doc)?,
        None => Layer { name: name.clone(), next_version: 1 },
    };
    let version = LayerVersion {
        name: name.clone(),
        version: layer.next_version,
        description: body["Description"].as_str().unwrap_or_default().to_owned(),
        license: body["LicenseInfo"].as_str().map(str::to_owned),
        runtimes: texts(&body["CompatibleRuntimes"]),
        architectures: texts(&body["CompatibleArchitectures"]),
        code: blob.digest(),
        code_size: blob.size(),
        created: cx.now,
        policy: Policy::default(),
        policy_revision: String::new(),
    };
    layer.next_version += 1;
    code::put(&mut write, &blob).await?;
    write.put(&kinds::layer_doc(kinds::layer(&name), &name, &layer)?).await?;
    write.insert(&kinds::layer_doc(kinds::layer_version(&name, version.version), &name, &version)?).await?;
    write.commit().await?;
    Ok(reply(cx, &whole(cx, &version).await?))
}

/// A list of texts.
fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The answer of PublishLayerVersion and both Gets.
async fn whole(cx: &Cx<'_>, version: &LayerVersion) -> Result<Value, LambdaError> {
    let mut content = Map::new();
    if let Some(location) = cx.functions.location(&cx.origin, &version.code).await? {
        content.insert("Location".into(), location.into());
    }
    content.insert("CodeSha256".into(), function::sha256(&version.code).into());
    content.insert("CodeSize".into(), version.code_size.into());
    let mut shape = Map::new();
    shape.insert("Content".into(), content.into());
    shape.insert("LayerArn".into(), layer::layer_arn(cx.scope(), &version.name).into());
    shape.extend(version.shape(cx.scope()));
    Ok(Value::Object(shape))
}

/// GetLayerVersion.
pub(super) async fn get(cx: &Cx<'_>) -> Outcome {
    let (name, number) = asked(cx)?;
    let found = version(&mut cx.store(), &name, number).await?;
    let version = found.ok_or_else(|| LambdaError::not_found(errors::NO_POLICY))?;
    Ok(reply(cx, &whole(cx, &version).await?))
}

/// GetLayerVersionByArn.
pub(super) async fn get_by_arn(cx: &Cx<'_>) -> Outcome {
    let arn = cx.call.query("Arn").unwrap_or_default();
    let parts = layer::parts(arn);
    let pattern = format!("Member must satisfy regular expression pattern: {}", errors::LAYER_VERSION_ARN);
    let (region, account, name, number) = parts.ok_or_else(|| LambdaError::constraint(arn, "arn", &pattern))?;
    layer::own(arn, region, account, cx.scope())?;
    let found = version(&mut cx.store(), name, number).await?;
    let version = found.ok_or_else(|| LambdaError::not_found(errors::NO_POLICY))?;
    Ok(reply(cx, &whole(cx, &version).await?))
}

/// The layer and number of a call's path.
pub(super) fn asked(cx: &Cx<'_>) -> Result<(String, u64), LambdaError> {
    let name = layer::name(cx.call.label("LayerName"), cx.scope())?;
    let number = cx.call.label("VersionNumber").parse().unwrap_or(0);
    if number < 1 { Err(LambdaError::invalid("Layer Version Cannot be less than 1.")) } else { Ok((name, number)) }
}

/// A version, if it exists.
pub(super) async fn version(
    from: &mut impl Read,
    name: &str,
    number: u64,
) -> Result<Option<LayerVersion>, LambdaError> {
    Ok(from.doc(&kinds::layer_version(name, number)).await?.as_ref().map(kinds::body).transpose()?)
}

/// ListLayers: each with the newest version that fits the query.
pub(super) async fn list_layers(cx: &Cx<'_>) -> Outcome {
    let (mut after, limit) = cx.page()?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut found: Vec<(String, Value)> = Vec::new();
    'pages: loop {
        let docs = cx.store().list(kinds::LAYER, "", after.as_deref(), ALL).await?;
        for doc in &docs {
            let Some(newest) = fitting(cx, &doc.key.id).await?.pop() else { continue };
            let shape = json!({
                "LayerName": newest.name, "LayerArn": layer::layer_arn(cx.scope(), &newest.name),
                "LatestMatchingVersion": newest.shape(cx.scope()),
            });
            found.push((newest.name, shape));
            if found.len() > limit {
                break 'pages;
            }
        }
        after = docs.last().map(|doc| doc.key.id.clone());
        if docs.len() < usize::try_from(ALL).unwrap_or(usize::MAX) {
            break;
        }
    }
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|(name, _)| page::encode(name));
    let layers: Vec<Value> = found.into_iter().map(|(_, shape)| shape).collect();
    Ok(reply(cx, &json!({ "Layers": layers, "NextMarker": next })))
}

/// ListLayerVersions: the newest first.
pub(super) async fn list_versions(cx: &Cx<'_>) -> Outcome {
    let name = layer::name(cx.call.label("LayerName"), cx.scope())?;
    let (before, limit) = cx.page()?;
    let before = before.and_then(|text| text.parse().ok()).unwrap_or(u64::MAX);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut versions = fitting(cx, &name).await?;
    versions.retain(|version| version.version < before);
    versions.reverse();
    let more = versions.len() > limit;
    versions.truncate(limit);
    let next = versions.last().filter(|_| more).map(|last| page::encode(&last.version.to_string()));
    let shapes: Vec<Value> = versions.iter().map(|version| version.shape(cx.scope()).into()).collect();
    Ok(reply(cx, &json!({ "LayerVersions": shapes, "NextMarker": next })))
}

/// The versions of a layer that fit `CompatibleRuntime` and `CompatibleArchitecture`, the oldest first.
async fn fitting(cx: &Cx<'_>, name: &str) -> Result<Vec<LayerVersion>, LambdaError> {
    let docs = cx.store().list(kinds::LAYER_VERSION, name, None, ALL).await?;
    let mut versions: Vec<LayerVersion> = docs.iter().map(kinds::body).collect::<Result<_, _>>()?;
    let fits =
        |list: &[String], member: &str| cx.call.query(member).is_none_or(|asked| list.iter().any(|item| item == asked));
    versions.retain(|version| {
        fits(&version.runtimes, "CompatibleRuntime") && fits(&version.architectures, "CompatibleArchitecture")
    });
    Ok(versions)
}

/// DeleteLayerVersion: functions that have it keep it. Its number is not used again, and deleting it again changes nothing.
pub(super) async fn delete(cx: &Cx<'_>) -> Outcome {
    let (name, number) = asked(cx)?;
    let mut write = cx.write_in(kinds::layer_root(&name)).await?;
    if write.delete(&kinds::layer_version(&name, number)).await? {
        write.commit().await?;
    }
    Ok(empty(cx))
}

/// The layers of a function as `Layers` names them.
///
/// # Errors
/// 400 for too many, for what is no version's ARN, for a version that does not exist; 403 for another account's.
pub(super) async fn attached(cx: &Cx<'_>, value: &Value) -> Result<Option<Vec<layer::Attached>>, LambdaError> {
    let Some(list) = value.as_array() else { return Ok(None) };
    let arns: Vec<&str> = list.iter().map(|arn| arn.as_str().unwrap_or_default()).collect();
    if arns.len() > MOST {
        return Err(LambdaError::invalid(format!("Cannot reference more than {MOST} layers.")));
    }
    let mut seen: Map<String, Value> = Map::new();
    let mut attached = Vec::new();
    for arn in &arns {
        let parts = layer::parts(arn).ok_or_else(|| {
            LambdaError::constraint(&format!("[{}]", arns.join(", ")), "layers", &errors::layer_arns())
        })?;
        let (region, account, name, number) = parts;
        if region != cx.scope().region {
            let ours = &cx.scope().region;
            return Err(LambdaError::invalid(format!(
                "Layers are not in the same region as the function. Layers are expected to be in region {ours}."
            )));
        }
        layer::own(arn, region, account, cx.scope())?;
        if let Some(other) = seen.insert(name.to_owned(), (*arn).into()) {
            let other = other.as_str().unwrap_or_default();
            return Err(LambdaError::invalid(format!(
                "Two different versions of the same layer are not allowed to be referenced in the same function. {other} and \
                 {arn} are versions of the same layer."
            )));
        }
        let found = version(&mut cx.store(), name, number).await?;
        let found = found.ok_or_else(|| LambdaError::invalid(format!("Layer version {arn} does not exist.")))?;
        attached.push(found.attached(cx.scope()));
    }
    Ok(Some(attached))
}

/// Layers of one function at most [D].
const MOST: usize = 5;

/// Refuses a function whose package and layers together unpack to more than one package may.
pub(super) async fn fit(cx: &Cx<'_>, code: &Digest, layers: &[layer::Attached]) -> Result<(), LambdaError> {
    if layers.is_empty() {
        return Ok(());
    }
    let mut size = 0;
    for package in std::iter::once(code).chain(layers.iter().map(|layer| &layer.code)) {
        cx.functions.unpacked(package).await?;
        size += cx.functions.packages.size(package).await?;
    }
    let most = crate::LARGEST_UNZIPPED;
    if size > most {
        return Err(LambdaError::invalid(format!(
            "Function code combined with layers exceeds the maximum allowed size of {most} bytes. The actual size is {size} bytes."
        )));
    }
    Ok(())
}
