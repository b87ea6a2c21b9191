//! How the app proves who it is at the token endpoint: a secret, or a signed assertion.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

use super::errors::AadError;
use super::visit::parameter;
use crate::keys::signature_only;
use crate::world::World;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Checks the app's credentials in a token request.
pub fn check(
    world: &World,
    certificates: &[String],
    form: &str,
    headers: &HeaderMap,
    base: &str,
    alias: &str,
    now_ms: i64,
) -> Result<(), AadError> {
    let basic = basic(headers);
    let client_id = parameter(form, "client_id").or_else(|| basic.as_ref().map(|(id, _)| id.clone()));
    let Some(client_id) = client_id else {
        return Err(AadError::because(900_144, "The request body must contain the following parameter: 'client_id'."));
    };
    if !client_id.eq_ignore_ascii_case(&world.app.client_id) {
        return Err(AadError::because(
            700_016,
            format!("Application with identifier '{client_id}' was not found in the directory '{alias}'."),
        ));
    }
    if let Some(assertion) = parameter(form, "client_assertion") {
        if parameter(form, "client_assertion_type").as_deref() != Some(ASSERTION_TYPE) {
            return Err(AadError::because(
                900_144,
                "The request body must contain the following parameter: 'client_assertion_type'.",
            ));
        }
        let audiences = [
            format!("{base}/{alias}/oauth2/v2.0/token"),
            format!("{base}/{alias}/v2.0"),
            format!("{base}/common/oauth2/v2.0/token"),
        ];
        return check_assertion(certificates, &assertion, &client_id, &audiences, now_ms).map_err(|reason| {
            AadError::because(700_027, format!("The certificate with identifier used to sign the client assertion is not registered on application. [Reason - {reason}]"))
        });
    }
    let secret = parameter(form, "client_secret").or_else(|| basic.map(|(_, secret)| secret));
    match secret {
        None => Err(AadError::new(7_000_218)),
        Some(secret) if secret != world.app.client_secret => Err(AadError::because(
            7_000_215,
            format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, \
                 for a secret added to app '{client_id}'."
            ),
        )),
        Some(_) if world.app.secret_expired => Err(AadError::because(
            7_000_222,
            format!("The provided client secret keys for app '{client_id}' are expired."),
        )),
        Some(_) => Ok(()),
    }
}

/// HTTP Basic: id and secret, each form-encoded first.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let bytes = STANDARD.decode(value.strip_prefix("Basic ")?).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decoded = |part: &str| {
        let pair = format!("v={part}");
        parameter(&pair, "v").unwrap_or_default()
    };
    Some((decoded(id), decoded(secret)))
}

/// The reason why an assertion does not count.
fn check_assertion(
    certificates: &[String],
    assertion: &str,
    client_id: &str,
    audiences: &[String],
    now_ms: i64,
) -> Result<(), &'static str> {
    let header = jsonwebtoken::decode_header(assertion).map_err(|_| "The assertion is not a JWT.")?;
    if !matches!(header.alg, Algorithm::RS256 | Algorithm::PS256) {
        return Err("The algorithm is not supported.");
    }
    if header.kid.is_none() && header.x5t.is_none() && header.x5t_s256.is_none() {
        return Err("The key was not named: 'x5t', 'x5t#S256' or 'kid' is missing.");
    }
    let validation = signature_only(vec![header.alg]);
    let claims = certificates
        .iter()
        .filter_map(|pem| DecodingKey::from_rsa_pem(pem.as_bytes()).ok())
        .find_map(|key| jsonwebtoken::decode::<Value>(assertion, &key, &validation).ok())
        .map(|data| data.claims)
        .ok_or("The key was not found.")?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    // A JWT's dates may have fractions, and MSAL for Python sends such.
    let seconds = |name: &str| {
        let moment = Duration::try_from_secs_f64(claims.get(name)?.as_f64()?).ok()?;
        i64::try_from(moment.as_secs()).ok()
    };
    // Clocks may differ by five minutes.
    let now = now_ms / 1000;
    if text("iss") != Some(client_id) || text("sub") != Some(client_id) {
        return Err("Issuer and subject have to be the app's id.");
    }
    if !text("aud").is_some_and(|audience| audiences.iter().any(|known| known.eq_ignore_ascii_case(audience))) {
        return Err("The audience is not this token endpoint.");
    }
    if text("jti").is_none() {
        return Err("'jti' is missing.");
    }
    match seconds("exp") {
        Some(expiry) if expiry + 300 > now => {}
        _ => return Err("The assertion has expired."),
    }
    if seconds("nbf").is_some_and(|start| start > now + 300) {
        return Err("The assertion is not valid yet.");
    }
    Ok(())
}
