//! The end of a connection: the grant is forgotten at once, and then it is looked whether the tenant still lets us in.

use std::time::Duration;

use app::{
    api::disconnections::Parting,
    domain::{
        CompanyId, Sight, TenantId,
        disconnection::{Answer, names, sight},
    },
    error::{AppError, ErrorCode},
    ports,
};
use async_trait::async_trait;
use futures::future::join_all;
use tokio_util::sync::CancellationToken;

use crate::{
    failure::internal,
    microsoft::{Class, Microsoft, MicrosoftError},
    store::{Store, StoreError, activity::Actor, disconnections::Look, presence::Retreat},
};

/// How often it is looked for tenants that are due.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How many tenants are looked at together.
const TOGETHER: u64 = 8;

/// How long somebody who disconnects waits for the first look. It goes on behind their back.
const FIRST_LOOK: Duration = Duration::from_secs(5);

/// Looks whether the access to tenants is gone.
#[derive(Clone)]
pub struct Looks {
    store: Store,
    microsoft: Option<Microsoft>,
}

impl Looks {
    /// Through this client, if an app registration is configured.
    pub const fn new(store: Store, microsoft: Option<Microsoft>) -> Self {
        Self { store, microsoft }
    }

    /// Looks at what is due, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut look = tokio::time::interval(LOOK_EVERY);
        let mut retreat = Retreat::default();
        while stop.run_until_cancelled(look.tick()).await.is_some() {
            match self.store.unless_away(self.store.due_looks(TOGETHER)).await {
                Ok(due) => {
                    retreat.forget();
                    // Whoever stops waits for nobody: what is not looked at now is due again in a minute.
                    let looks = due.iter().map(|look| self.store.unless_away(self.take(look)));
                    for outcome in stop.run_until_cancelled(join_all(looks)).await.unwrap_or_default() {
                        if let Err(error) = outcome {
                            tracing::error!(%error, "what was seen of a tenant's access can't be stored");
                        }
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "tenants to look at can't be found");
                    stop.run_until_cancelled(retreat.wait(self.store.presence())).await;
                }
            }
        }
    }

    /// Looks at the company's last tenant now, unless somebody does so already.
    async fn now(&self, company: CompanyId) -> Result<(), StoreError> {
        match self.store.look(company).await? {
            Some(look) => self.take(&look).await,
            None => Ok(()),
        }
    }

    async fn take(&self, look: &Look) -> Result<(), StoreError> {
        let seen = match &self.microsoft {
            Some(microsoft) => sight(look.access, answer(&microsoft.app_token(look.tenant).await)),
            None => Sight::Unclear,
        };
        tracing::info!(company = %look.company, tenant = %look.tenant, sight = seen.key(), "looked at the access");
        self.store.put_sight(look, seen).await
    }
}

/// What the token endpoint's answer comes to.
fn answer(answer: &Result<crate::microsoft::AppToken, MicrosoftError>) -> Answer {
    match answer {
        Ok(token) => Answer::Token { permits: !token.roles.is_empty() },
        Err(error) => match error.class() {
            Class::Reconnect(reason) | Class::TheirAdmin(reason) => Answer::Refused(reason),
            Class::Platform | Class::Transient | Class::Person(_) => Answer::Nothing,
        },
    }
}

/// Ends connections, in somebody's name.
pub struct Disconnections {
    looks: Looks,
    by: Actor,
}

impl Disconnections {
    /// For who is signed in.
    pub const fn new(looks: Looks, by: Actor) -> Self {
        Self { looks, by }
    }

    async fn name(&self, company: CompanyId) -> Result<String, AppError> {
        let found = self.looks.store.company(company).await.map_err(internal)?;
        let none = || AppError::new(ErrorCode::NotFound, "There is no such company. It may have been archived.");
        Ok(found.ok_or_else(none)?.name)
    }

    /// How the app is removed from this tenant.
    fn removal(&self, tenant: TenantId) -> Parting {
        let Some(microsoft) = &self.looks.microsoft else { return Parting::default() };
        let (portal, script) = microsoft.removal(tenant);
        let client_id = microsoft.app().client_id.clone();
        Parting { portal: portal.to_owned(), client_id, script, ..Parting::default() }
    }
}

#[async_trait]
impl ports::Disconnections for Disconnections {
    async fn show(&self, company: CompanyId) -> Result<Parting, AppError> {
        let name = self.name(company).await?;
        let store = &self.looks.store;
        if let Some(tie) = store.tie_of(company).await.map_err(internal)? {
            return Ok(Parting {
                name,
                connected: true,
                organisation: tie.organisation,
                by: tie.connected_by,
                at: Some(tie.connected_at),
                ..self.removal(tie.tenant)
            });
        }
        let Some(ended) = store.disconnection(company).await.map_err(internal)? else {
            return Ok(Parting { name, ..Parting::default() });
        };
        Ok(Parting {
            name,
            organisation: ended.organisation,
            by: ended.by,
            at: Some(ended.at),
            data_kept: ended.data_kept,
            checked_at: ended.checked_at,
            sight: ended.sight,
            gone_at: ended.gone_at,
            next_check: ended.next_check,
            holder: ended.holder,
            ..self.removal(ended.tenant)
        })
    }

    async fn disconnect(&self, company: CompanyId, name: String, keep_data: bool) -> Result<Parting, AppError> {
        let is_called = self.name(company).await?;
        if !names(&name, &is_called) {
            let text = format!("Type the company's name as it is written: {is_called}");
            return Err(AppError::new(ErrorCode::Invalid, text));
        }
        let tenant = self.looks.store.disconnect(company, keep_data, &self.by).await.map_err(internal)?;
        if let Some(tenant) = tenant {
            tracing::info!(company = %company, %tenant, keep_data, "disconnected");
            if let Some(microsoft) = &self.looks.microsoft {
                microsoft.forget_app_token(tenant);
            }
            let looks = self.looks.clone();
            let first = tokio::spawn(async move { looks.now(company).await });
            // One that takes longer goes on; one that broke off is taken again when it is due.
            if let Ok(Ok(Err(error))) = tokio::time::timeout(FIRST_LOOK, first).await {
                tracing::warn!(%error, company = %company, "what was seen after disconnecting can't be stored");
            }
        }
        self.show(company).await
    }

    async fn check(&self, company: CompanyId) -> Result<Parting, AppError> {
        let before = self.show(company).await?;
        if before.connected || before.at.is_none() {
            let text = "The company was not disconnected: there is nothing to check.";
            return Err(AppError::new(ErrorCode::Conflict, text));
        }
        if before.holder.is_some() {
            return Ok(before);
        }
        self.looks.now(company).await.map_err(internal)?;
        self.show(company).await
    }
}
