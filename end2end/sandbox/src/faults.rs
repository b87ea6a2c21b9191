//! Faults that a test orders: the next matching requests fail, wait, break off, or get a defective token.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

/// What takes the place of a body that has been garbled.
pub const GARBLED: &str = "<html>The service can't";

/// A fault as the control interface takes it.
#[derive(Debug, Clone)]
pub enum Order {
    /// One of those with a `kind`.
    Special(Special),
    /// An answer to requests of a path.
    Answer(AnswerFault),
}

impl Order {
    /// Reads an order; a misspelt field is refused.
    pub fn parse(order: Value) -> Result<Self, serde_json::Error> {
        if order.get("kind").is_some() {
            return serde_json::from_value(order).map(Self::Special);
        }
        serde_json::from_value(order).map(Self::Answer)
    }
}

/// Faults that are not about one path.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Special {
    /// Administrators' consents take effect for app-only tokens that much later.
    ConsentDelay(ConsentDelay),
    /// The next ID tokens have a defect.
    IdToken(IdTokenFault),
}

/// See [`Special::ConsentDelay`]. Holds for every consent given from now on, until the reset.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentDelay {
    /// That tenant only.
    pub tenant: Option<Uuid>,
    /// How long; 0 lifts it.
    pub delay_ms: i64,
    /// An AADSTS number to refuse tokens with until then, instead of issuing them without roles.
    pub code: Option<u32>,
}

/// See [`Special::IdToken`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdTokenFault {
    /// That tenant only.
    pub tenant: Option<Uuid>,
    /// What is wrong with the token.
    pub tamper: Tamper,
    /// How many tokens have it.
    #[serde(default = "once")]
    pub times: u32,
}

/// A defect of an ID token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tamper {
    /// The signature is not the key's.
    Signature,
    /// For another app.
    Audience,
    /// From another tenant's issuer.
    Issuer,
    /// Not the nonce that was sent.
    Nonce,
    /// Ran out an hour ago.
    Expiry,
    /// Of a personal account.
    Personal,
    /// Signed by a key that no key set names.
    Kid,
}

/// What the next matching requests get.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerFault {
    /// The beginning of the path; under the login paths the tenant may be `*` or left out.
    #[serde(rename = "match")]
    pub path: String,
    /// That tenant only.
    pub tenant: Option<Uuid>,
    /// The HTTP status; absent or 0 leaves it to `code`, or to the real answer.
    #[serde(default)]
    pub status: u16,
    /// An AADSTS number, or the code of a Graph error.
    pub code: Option<Value>,
    /// OAuth's `error`, where it is not the number's usual one. At a login path.
    pub error: Option<String>,
    /// Microsoft's finer word, or an empty one for none. At a login path.
    pub suberror: Option<String>,
    /// Seconds for the `Retry-After` header.
    pub retry_after: Option<u32>,
    /// How many requests get it.
    #[serde(default = "once")]
    pub times: u32,
    /// How long the answer waits.
    #[serde(default)]
    pub delay_ms: u64,
    /// The connection breaks in the middle of the body; of a part of a batch, that of the batch.
    #[serde(default)]
    pub cut_body: bool,
    /// The body is no JSON.
    #[serde(default)]
    pub malformed_body: bool,
    /// The answer leads there, instead of where it should.
    pub next_link: Option<String>,
}

fn once() -> u32 {
    1
}

impl AnswerFault {
    /// Whether the real answer is given in the end.
    pub fn proceeds(&self) -> bool {
        self.status == 0 && self.code.is_none() && self.error.is_none()
    }

    /// How long the answer waits.
    pub fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms)
    }

    /// `code` as a number.
    pub fn number(&self) -> Option<u32> {
        match self.code.as_ref()? {
            Value::Number(number) => number.as_u64().and_then(|number| u32::try_from(number).ok()),
            Value::String(text) => text.trim_start_matches("AADSTS").parse().ok(),
            _ => None,
        }
    }

    /// `code` as a word.
    pub fn word(&self) -> Option<String> {
        match self.code.as_ref()? {
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    fn matches(&self, path: &str, tenant: Option<Uuid>) -> bool {
        if self.tenant.is_some() && self.tenant != tenant {
            return false;
        }
        let wanted = self.path.trim_start_matches("...").trim_start_matches("/*");
        let wanted = if wanted.starts_with('/') { wanted.to_string() } else { format!("/{wanted}") };
        if path.starts_with(&wanted) {
            return true;
        }
        // The same path without its tenant.
        let rest = path[1.min(path.len())..].split_once('/').map_or("", |(_, rest)| rest);
        !path.starts_with("/v1.0/") && format!("/{rest}").starts_with(&wanted)
    }
}

/// The faults that are still due.
#[derive(Debug, Default)]
pub struct Faults {
    answers: Vec<AnswerFault>,
    id_tokens: Vec<IdTokenFault>,
    delays: Vec<ConsentDelay>,
}

impl Faults {
    /// Takes an order.
    pub fn add(&mut self, order: Order) {
        match order {
            Order::Answer(fault) => self.answers.push(fault),
            Order::Special(Special::IdToken(fault)) => self.id_tokens.push(fault),
            Order::Special(Special::ConsentDelay(delay)) => {
                self.delays.retain(|known| known.tenant != delay.tenant);
                self.delays.push(delay);
            }
        }
    }

    /// The fault for a request, which is used up by it.
    pub fn take_answer(&mut self, path: &str, tenant: Option<Uuid>) -> Option<AnswerFault> {
        let place = self.answers.iter().position(|fault| fault.matches(path, tenant))?;
        let fault = self.answers[place].clone();
        self.answers[place].times = fault.times.saturating_sub(1);
        self.answers.retain(|fault| fault.times > 0);
        Some(fault)
    }

    /// The defect of the next ID token for a tenant.
    pub fn take_tamper(&mut self, tenant: Uuid) -> Option<Tamper> {
        let place = self.id_tokens.iter().position(|fault| fault.tenant.is_none_or(|wanted| wanted == tenant))?;
        let tamper = self.id_tokens[place].tamper;
        self.id_tokens[place].times = self.id_tokens[place].times.saturating_sub(1);
        self.id_tokens.retain(|fault| fault.times > 0);
        Some(tamper)
    }

    /// How late a consent in a tenant takes effect; an order for the tenant goes before one for all.
    pub fn consent_delay(&self, tenant: Uuid) -> Option<ConsentDelay> {
        let of = |wanted| self.delays.iter().find(|delay| delay.tenant == wanted).cloned();
        of(Some(tenant)).or_else(|| of(None)).filter(|delay| delay.delay_ms > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(path: &str) -> AnswerFault {
        serde_json::from_value(serde_json::json!({ "match": path })).unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn a_login_path_matches_with_any_tenant() {
        let path = "/fabrikam-legal.test/oauth2/v2.0/token";
        for wanted in
            ["/oauth2/v2.0/token", ".../oauth2/v2.0/token", "/*/oauth2/v2.0/token", path, "/fabrikam-legal.test/"]
        {
            assert!(fault(wanted).matches(path, None), "{wanted}");
        }
        assert!(!fault("/v1.0/users").matches(path, None));
        assert!(fault("/v1.0/users").matches("/v1.0/users/delta", None));
        assert!(!fault("/delta").matches("/v1.0/users/delta", None));
    }

    #[test]
    fn a_fault_is_used_up() {
        let mut faults = Faults::default();
        faults.add(Order::Answer(AnswerFault { times: 2, ..fault("/v1.0") }));
        assert!(faults.take_answer("/v1.0/me", None).is_some());
        assert!(faults.take_answer("/v1.0/me", None).is_some());
        assert!(faults.take_answer("/v1.0/me", None).is_none());
    }
}
