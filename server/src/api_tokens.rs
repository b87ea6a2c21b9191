//! Tokens with which other programs use the programming interface: made and ended by owners.

use std::time::Duration;

use app::{
    api::api_tokens::NewApiToken,
    domain::{
        AccountId, ApiTokenId, ApiTokenRow, Scope, TokenName,
        api_token::{DAYS, PREFIX, TOKENS_MAX},
    },
    error::{AppError, ErrorCode},
    ports,
};
use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use crate::{
    clock::Mint as _,
    failure::internal,
    sessions::Token,
    store::{Store, activity::Actor, api_tokens, sessions::TokenHash},
};

/// What a program proves itself with: 256 bits behind a prefix. Stored as a hash only.
#[derive(Clone)]
pub struct ApiToken(SecretString);

impl ApiToken {
    /// A new one.
    pub fn random() -> Self {
        Self(format!("{PREFIX}{}", Token::random().expose()).into())
    }

    /// The one that a program sent, if it can be one.
    pub fn parse(text: &str) -> Option<Self> {
        Token::may_be(text.strip_prefix(PREFIX)?).then(|| Self(text.into()))
    }

    /// As the program sends it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// As it is stored.
    pub fn hash(&self) -> TokenHash {
        Sha256::digest(self.expose().as_bytes()).into()
    }
}

/// Changes tokens, in the name of an owner.
pub struct ApiTokens {
    store: Store,
    owner: AccountId,
    by: Actor,
}

impl ApiTokens {
    /// For this owner.
    pub const fn new(store: Store, owner: AccountId, by: Actor) -> Self {
        Self { store, owner, by }
    }
}

#[async_trait]
impl ports::ApiTokens for ApiTokens {
    async fn list(&self) -> Result<Vec<ApiTokenRow>, AppError> {
        self.store.api_tokens().await.map_err(internal)
    }

    async fn create(&self, name: String, scopes: Vec<Scope>, days: u16) -> Result<NewApiToken, AppError> {
        let invalid = |text: String| AppError::new(ErrorCode::Invalid, text);
        let name = TokenName::parse(&name).map_err(|error| invalid(error.to_string()))?;
        // Each once, and in one order.
        let scopes: Vec<Scope> = Scope::ALL.into_iter().filter(|scope| scopes.contains(scope)).collect();
        if scopes.is_empty() {
            return Err(invalid("Choose at least one thing that the token lets do.".to_owned()));
        }
        if !DAYS.contains(&days) {
            return Err(invalid("A token is good for 30, 90, 180 or 365 days.".to_owned()));
        }
        let (id, token) = (ApiTokenId::mint(self.store.now()), ApiToken::random());
        let lives = Duration::from_hours(24 * u64::from(days));
        let new = api_tokens::NewApiToken { id, name, scopes, hash: token.hash(), lives };
        if !self.store.make_api_token(new, self.owner, &self.by).await.map_err(internal)? {
            let text = format!("There are {TOKENS_MAX} tokens already. Revoke those that nobody uses.");
            return Err(AppError::new(ErrorCode::Conflict, text));
        }
        Ok(NewApiToken { token: token.expose().to_owned() })
    }

    async fn revoke(&self, token: ApiTokenId) -> Result<(), AppError> {
        self.store.revoke_api_token(token, &self.by).await.map_err(internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_form() {
        let token = ApiToken::random();
        assert!(token.expose().starts_with("tny_"));
        assert_eq!(ApiToken::parse(token.expose()).map(|same| same.hash()), Some(token.hash()));
        for other in ["", "tny_", "tny_short", Token::random().expose()] {
            assert!(ApiToken::parse(other).is_none(), "{other}");
        }
    }
}
