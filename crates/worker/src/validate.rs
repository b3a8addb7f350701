//! Request validation: parameters, then the body (rest-data-plane §1.3).

use http::HeaderValue;
use http::header::CONTENT_TYPE;
use stagecoach_plan::GatewayResponseType;
use stagecoach_plan::validation::{Place, Required, Validation};

use crate::body::RequestBody;
use crate::exchange::Exchange;
use crate::failure::Failure;
use crate::headers;
use crate::integrate::unreadable;
use crate::query::Query;

/// Holds a request against what its method asks for. A body that was read is at hand in the one that comes back; one
/// without a model stays where it is.
pub(crate) async fn run(
    exchange: &Exchange,
    validation: &Validation,
    body: RequestBody,
) -> Result<RequestBody, Failure> {
    parameters(exchange, &validation.parameters)?;
    let media_type = headers::media_type(&exchange.headers, CONTENT_TYPE).unwrap_or("application/json");
    let Some(model) = validation.model(media_type) else { return Ok(body) };
    let (body, bytes) = body.hold().await.map_err(|error| unreadable(&error))?;
    match model.check(&bytes) {
        Ok(()) => Ok(body),
        Err(detail) => {
            let line = format!("Request body does not match model schema for content type {media_type}: {detail}");
            Err(Failure::late(GatewayResponseType::BadRequestBody, line).validation(detail))
        }
    }
}

fn parameters(exchange: &Exchange, required: &[Required]) -> Result<(), Failure> {
    if required.is_empty() {
        return Ok(());
    }
    let query = exchange.query();
    let missing = required.iter().filter(|required| !is_there(exchange, &query, required));
    let names: Vec<&str> = missing.map(|required| &*required.name).collect();
    if names.is_empty() {
        return Ok(());
    }
    let message = format!("Missing required request parameters: [{}]", names.join(", "));
    Err(Failure::late(GatewayResponseType::BadRequestParameters, message.clone()).message(message))
}

/// Present and not blank.
fn is_there(exchange: &Exchange, query: &Query<'_>, required: &Required) -> bool {
    let (headers, name) = (&exchange.headers, &*required.name);
    let says = |value: &HeaderValue| !value.as_bytes().trim_ascii().is_empty();
    let is_text = |text: &str| !text.trim().is_empty();
    match required.place {
        Place::Header => headers.get_all(name).iter().next_back().is_some_and(says),
        Place::MultiValueHeader => headers.get_all(name).iter().any(says),
        Place::Query => query.last(name).is_some_and(is_text),
        Place::MultiValueQuery => query.all(name).any(is_text),
        Place::Path => exchange.variable(name).is_some_and(is_text),
    }
}
