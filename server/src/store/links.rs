//! Links: addresses that let somebody else connect a company. Whatever changes one locks its company first, so that of
//! two who do something at once the second sees what the first did.

use std::{collections::HashMap, time::Duration};

use app::domain::{
    ActivityKind, AttemptId, CompanyId, Email, LinkEnd, LinkId, LinkNote, LinkRow, LinkState, LinkSummary, Timestamp,
    company_draft::address_of,
};
use sea_orm::{
    ActiveValue::Set, Condition, ConnectionTrait, ExprTrait as _, IntoActiveModel as _, QueryOrder as _,
    QuerySelect as _, QueryTrait as _, prelude::*, sea_query::Expr,
};

use super::{
    ROWS_A_STATEMENT, Store, StoreError, Transaction,
    activity::Actor,
    attempts,
    campaigns::InCampaign,
    entity::{
        account, campaign_company, company,
        link::{ActiveModel, Column, Entity, Model},
    },
    sessions::TokenHash,
    to_u32,
};

/// How long after its time a link is remembered: for that long its page says why it is dead.
const REMEMBERED: Duration = Duration::from_hours(24 * 90);

/// Asking for a new link is told once in this long, however often somebody asks.
const REQUEST_IS_TOLD_EVERY: Duration = Duration::from_hours(1);

/// A link that is made.
pub struct NewLink {
    /// Which one.
    pub id: LinkId,
    /// The company that it connects.
    pub company: CompanyId,
    /// SHA-256 of its token.
    pub token_hash: TokenHash,
    /// The token, sealed for the link's id.
    pub sealed_token: Vec<u8>,
    /// What its maker wants to remember.
    pub note: Option<LinkNote>,
    /// How long it is good for.
    pub lives: Duration,
    /// The campaign that it belongs to, if it does.
    pub campaign: Option<InCampaign>,
    /// Whether it takes the place of a live one.
    pub replace: bool,
}

/// What became of a link that was to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// It is there, until then.
    Until(Timestamp),
    /// There is no such company in use.
    NoSuchCompany,
    /// There is a live one, which was not to be replaced.
    HasLiveLink,
}

/// A link as it is stored.
pub struct Link {
    /// Which one.
    pub id: LinkId,
    /// The company that it connects.
    pub company: CompanyId,
    /// Its name.
    pub company_name: String,
    /// Whom to ask there.
    pub contact: Contact,
    /// Whether that company is put away. Its links are as good as withdrawn.
    pub archived: bool,
    /// What decides whether it leads anywhere.
    pub state: LinkState,
    /// The name of who made it.
    pub made_by: String,
    /// The token, sealed for the link's id. None once the link is dead.
    pub sealed_token: Option<Vec<u8>>,
    /// Since when somebody asks for a new one.
    pub requested_at: Option<Timestamp>,
}

/// Somebody at a company.
#[derive(Clone, Debug, Default)]
pub struct Contact {
    /// Their name. Empty: nobody is known.
    pub name: String,
    /// Where they read mail.
    pub email: Option<Email>,
}

impl Contact {
    /// As it is written down.
    pub(super) fn of(name: Option<String>, email: Option<&str>) -> Self {
        let email = address_of(name.as_deref(), email);
        Self { name: name.unwrap_or_default(), email }
    }
}

type Found = (Model, Option<company::Model>, Option<account::Model>);

/// Links with their company and who made them, those that expire first first.
async fn find(db: &impl ConnectionTrait, which: Condition) -> Result<Vec<Found>, StoreError> {
    let found = Entity::find()
        .find_also_related(company::Entity)
        .find_also_related(account::Entity)
        .filter(which)
        .order_by_asc(Column::ExpiresAt)
        .order_by_asc(Column::Id)
        .all(db)
        .await?;
    Ok(found)
}

pub(super) fn name_of(account: Option<account::Model>) -> String {
    account.map_or_else(String::new, |account| if account.name.is_empty() { account.email } else { account.name })
}

fn row((model, company, account): Found) -> Result<LinkRow, StoreError> {
    Ok(LinkRow {
        company: CompanyId::from_uuid(model.company_id),
        company_name: company.map(|company| company.name).unwrap_or_default(),
        made_by: name_of(account),
        made_at: Timestamp::from_millis(model.made_at),
        link: summary(model)?,
    })
}

fn summary(model: Model) -> Result<LinkSummary, StoreError> {
    Ok(LinkSummary {
        expires: Timestamp::from_millis(model.expires_at),
        end: end_of(&model)?,
        opens: to_u32(model.opens),
        opened_at: model.opened_at.map(Timestamp::from_millis),
        note: model.note,
    })
}

pub(super) fn end_of(model: &Model) -> Result<Option<LinkEnd>, StoreError> {
    let Some(key) = &model.ending else { return Ok(None) };
    let end = LinkEnd::from_key(key).ok_or_else(|| StoreError::Unexpected(format!("link {}", model.id)))?;
    Ok(Some(end))
}

impl Link {
    fn from_found((model, company, account): Found) -> Result<Self, StoreError> {
        let company = company.ok_or_else(|| StoreError::Unexpected(format!("the company of link {}", model.id)))?;
        let archived = company.archived_at.is_some();
        let end = end_of(&model)?.or_else(|| archived.then_some(LinkEnd::Withdrawn));
        Ok(Self {
            id: LinkId::from_uuid(model.id),
            company: CompanyId::from_uuid(company.id),
            company_name: company.name,
            contact: Contact::of(company.contact, company.contact_email.as_deref()),
            archived,
            state: LinkState { expires: Timestamp::from_millis(model.expires_at), end },
            made_by: name_of(account),
            sealed_token: model.sealed_token,
            requested_at: company.link_requested_at.map(Timestamp::from_millis),
        })
    }
}

impl Store {
    /// Makes a link. The company's live one is replaced by it, if that is wanted.
    pub async fn make_link(&self, new: NewLink, by: &Actor) -> Result<Made, StoreError> {
        let mut transaction = self.begin().await?;
        transaction.touch(new.company).await?;
        let company = company::Entity::find_by_id(new.company.uuid())
            .filter(company::Column::ArchivedAt.is_null())
            .one(&transaction.inner)
            .await?;
        let (Some(_), Some(made_by)) = (company, by.account_id()) else { return Ok(Made::NoSuchCompany) };
        let is_live = live(transaction.now).add(Column::CompanyId.eq(new.company.uuid()));
        if !new.replace && Entity::find().filter(is_live).one(&transaction.inner).await?.is_some() {
            return Ok(Made::HasLiveLink);
        }
        if transaction.end_live_link(new.company, LinkEnd::Replaced).await? {
            let text = "A new one was made";
            transaction.record(by, ActivityKind::LinkWithdrawn, Some(new.company), text).await?;
        }
        Entity::update_many()
            .col_expr(Column::Latest, Expr::val(false))
            .filter(Column::CompanyId.eq(new.company.uuid()))
            .filter(Column::Latest.eq(true))
            .exec(&transaction.inner)
            .await?;
        let expires = transaction.now.plus(new.lives);
        let note = new.note.as_ref().map(|note| note.as_str().to_owned());
        let model = Model {
            id: new.id.uuid(),
            company_id: new.company.uuid(),
            token_hash: new.token_hash.to_vec(),
            sealed_token: Some(new.sealed_token),
            made_by: made_by.uuid(),
            made_at: transaction.now.as_millis(),
            expires_at: expires.as_millis(),
            note: note.clone(),
            opens: 0,
            opened_at: None,
            ending: None,
            ended_at: None,
            used_by: None,
            latest: true,
        };
        Entity::insert(model.into_active_model()).exec_without_returning(&transaction.inner).await?;
        if let Some(campaign) = new.campaign {
            transaction.add_to_campaign(campaign, new.company, new.id, by).await?;
        }
        transaction.link_is_no_longer_requested(new.company).await?;
        transaction.record(by, ActivityKind::LinkMade, Some(new.company), note.unwrap_or_default()).await?;
        transaction.commit().await?;
        Ok(Made::Until(expires))
    }

    /// Withdraws the company's live link, if there is one, and ends what began with it.
    pub async fn withdraw_link(&self, company: CompanyId, by: &Actor) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        // Even if none is live: the page that asked believes that one is.
        transaction.touch(company).await?;
        if transaction.end_live_link(company, LinkEnd::Withdrawn).await? {
            transaction.record(by, ActivityKind::LinkWithdrawn, Some(company), "").await?;
        }
        transaction.commit().await
    }

    /// The link of this token.
    pub async fn link_by_token(&self, token: TokenHash) -> Result<Option<Link>, StoreError> {
        self.find_link(Condition::all().add(Column::TokenHash.eq(token.as_slice()))).await
    }

    /// The link with this id.
    pub async fn link(&self, id: LinkId) -> Result<Option<Link>, StoreError> {
        self.find_link(Condition::all().add(Column::Id.eq(id.uuid()))).await
    }

    /// The company's latest link, which may be dead.
    pub async fn latest_link(&self, company: CompanyId) -> Result<Option<Link>, StoreError> {
        self.find_link(Condition::all().add(Column::CompanyId.eq(company.uuid())).add(Column::Latest.eq(true))).await
    }

    async fn find_link(&self, which: Condition) -> Result<Option<Link>, StoreError> {
        find(&self.reader, which).await?.into_iter().next().map(Link::from_found).transpose()
    }

    /// The live links of all companies, those that expire first first.
    pub async fn live_links(&self) -> Result<Vec<LinkRow>, StoreError> {
        let which = live(self.clock.now()).add(company::Column::ArchivedAt.is_null());
        find(&self.reader, which).await?.into_iter().map(row).collect()
    }

    /// Live links in the order in which they were made, after this one: what happens to one moves none of the others.
    pub async fn live_links_after(
        &self,
        after: Option<LinkId>,
        company: Option<CompanyId>,
        limit: u64,
    ) -> Result<Vec<(LinkId, LinkRow)>, StoreError> {
        let found = Entity::find()
            .find_also_related(company::Entity)
            .find_also_related(account::Entity)
            .filter(live(self.clock.now()).add(company::Column::ArchivedAt.is_null()))
            .filter(
                Condition::all()
                    .add_option(after.map(|after| Column::Id.gt(after.uuid())))
                    .add_option(company.map(|company| Column::CompanyId.eq(company.uuid()))),
            )
            .order_by_asc(Column::Id)
            .limit(limit)
            .all(&self.reader)
            .await?;
        found.into_iter().map(|found| Ok((LinkId::from_uuid(found.0.id), row(found)?))).collect()
    }

    /// Whom to write to at these companies, and where, as far as that is known.
    pub async fn contacts(&self, companies: &[CompanyId]) -> Result<HashMap<CompanyId, Contact>, StoreError> {
        let mut contacts = HashMap::new();
        for companies in companies.chunks(ROWS_A_STATEMENT) {
            let found: Vec<(Uuid, Option<String>, Option<String>)> = company::Entity::find()
                .select_only()
                .columns([company::Column::Id, company::Column::Contact, company::Column::ContactEmail])
                .filter(company::Column::Id.is_in(companies.iter().map(|company| company.uuid())))
                .into_tuple()
                .all(&self.reader)
                .await?;
            contacts.extend(found.into_iter().map(|(company, contact, email)| {
                (CompanyId::from_uuid(company), Contact::of(contact, email.as_deref()))
            }));
        }
        Ok(contacts)
    }

    /// What the rows of companies show of their latest links.
    pub(super) async fn latest_links(&self, few: Option<&[Uuid]>) -> Result<HashMap<Uuid, LinkSummary>, StoreError> {
        let found = Entity::find()
            .filter(Column::Latest.eq(true))
            .filter(Condition::all().add_option(few.map(|ids| Column::CompanyId.is_in(ids.iter().copied()))))
            .all(&self.reader)
            .await?;
        found.into_iter().map(|model| Ok((model.company_id, summary(model)?))).collect()
    }

    /// Somebody opened a link.
    pub async fn link_opened(&self, link: &Link) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        transaction.touch(link.company).await?;
        let opened = Entity::update_many()
            .col_expr(Column::Opens, Expr::col(Column::Opens).add(1))
            .col_expr(Column::OpenedAt, Expr::val(transaction.now.as_millis()))
            .filter(Column::Id.eq(link.id.uuid()))
            .exec_with_returning(&transaction.inner)
            .await?;
        if opened.iter().any(|model| model.opens == 1) {
            transaction.record(&Actor::link_holder(), ActivityKind::LinkOpened, Some(link.company), "").await?;
        }
        transaction.commit().await
    }

    /// Somebody with a dead link asks for a new one.
    pub async fn request_link(&self, link: &Link) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let now = transaction.now;
        let told = now.minus(REQUEST_IS_TOLD_EVERY).as_millis();
        let updated = company::Entity::update_many()
            .col_expr(company::Column::LinkRequestedAt, Expr::val(now.as_millis()))
            .filter(company::Column::Id.eq(link.company.uuid()))
            .filter(company::Column::ArchivedAt.is_null())
            .filter(
                Condition::any()
                    .add(company::Column::LinkRequestedAt.is_null())
                    .add(company::Column::LinkRequestedAt.lte(told)),
            )
            .exec(&transaction.inner)
            .await?;
        if updated.rows_affected == 1 {
            transaction.touch(link.company).await?;
            transaction.record(&Actor::link_holder(), ActivityKind::LinkRequested, Some(link.company), "").await?;
            transaction.note_link_requested(link.company).await?;
        }
        transaction.commit().await
    }

    /// Tells the rows whose link expired, and forgets its token.
    pub async fn sweep_links(&self) -> Result<(), StoreError> {
        let expired = Condition::all()
            .add(Column::Latest.eq(true))
            .add(Column::ExpiresAt.lte(self.clock.now().as_millis()))
            .add(Column::SealedToken.is_not_null());
        // Looked for without the write lock: as a rule there is nothing.
        let found: Vec<Uuid> = Entity::find()
            .select_only()
            .column(Column::CompanyId)
            .filter(expired.clone())
            .order_by_asc(Column::CompanyId)
            .into_tuple()
            .all(&self.reader)
            .await?;
        if found.is_empty() {
            return Ok(());
        }
        // One company after the other: who changes several at once locks them in another order.
        for company in found {
            let mut transaction = self.begin().await?;
            transaction.touch(CompanyId::from_uuid(company)).await?;
            Entity::update_many()
                .set(ActiveModel { sealed_token: Set(None), ..Default::default() })
                .filter(expired.clone().add(Column::CompanyId.eq(company)))
                .exec(&transaction.inner)
                .await?;
            transaction.commit().await?;
        }
        Ok(())
    }

    /// Forgets links that are long dead. Those of campaigns go with them.
    pub async fn forget_old_links(&self) -> Result<(), StoreError> {
        let long_ago = self.clock.now().minus(REMEMBERED);
        let of_campaigns = campaign_company::Entity::find().select_only().column(campaign_company::Column::LinkId);
        let old = Condition::all()
            .add(Column::ExpiresAt.lt(long_ago.as_millis()))
            .add(Column::Id.not_in_subquery(of_campaigns.into_query()));
        // Rows tell of the latest ones.
        let found: Vec<Uuid> = Entity::find()
            .select_only()
            .column(Column::CompanyId)
            .filter(old.clone())
            .distinct()
            .order_by_asc(Column::CompanyId)
            .into_tuple()
            .all(&self.reader)
            .await?;
        for company in found {
            let mut transaction = self.begin().await?;
            transaction.touch(CompanyId::from_uuid(company)).await?;
            Entity::delete_many()
                .filter(old.clone().add(Column::CompanyId.eq(company)))
                .exec(&transaction.inner)
                .await?;
            transaction.commit().await?;
        }
        Ok(())
    }
}

fn live(now: Timestamp) -> Condition {
    Condition::all().add(Column::Ending.is_null()).add(Column::ExpiresAt.gt(now.as_millis()))
}

impl Transaction {
    /// Ends the company's live link and what began with it. False if none is live.
    pub(super) async fn end_live_link(&self, company: CompanyId, end: LinkEnd) -> Result<bool, StoreError> {
        let which = live(self.now).add(Column::CompanyId.eq(company.uuid()));
        let ended = self.end_links(which, end, None).await?;
        for link in &ended {
            attempts::cancel_of_link(self, LinkId::from_uuid(link.id)).await?;
        }
        Ok(!ended.is_empty())
    }

    /// Ends the live links of these companies, and what began with them. Answers which of them had one.
    pub(super) async fn end_live_links(
        &self,
        companies: &[CompanyId],
        end: LinkEnd,
    ) -> Result<Vec<CompanyId>, StoreError> {
        let mut ended = Vec::new();
        for companies in companies.chunks(ROWS_A_STATEMENT) {
            let theirs = Column::CompanyId.is_in(companies.iter().map(|company| company.uuid()));
            let links = self.end_links(live(self.now).add(theirs), end, None).await?;
            let ids: Vec<_> = links.iter().map(|link| LinkId::from_uuid(link.id)).collect();
            attempts::cancel_of_links(self, &ids).await?;
            ended.extend(links.into_iter().map(|link| CompanyId::from_uuid(link.company_id)));
        }
        Ok(ended)
    }

    async fn end_links(
        &self,
        which: Condition,
        end: LinkEnd,
        used_by: Option<AttemptId>,
    ) -> Result<Vec<Model>, StoreError> {
        let changes = ActiveModel {
            ending: Set(Some(end.key().to_owned())),
            ended_at: Set(Some(self.now.as_millis())),
            used_by: Set(used_by.map(AttemptId::uuid)),
            // Nothing secret outlives the link.
            sealed_token: Set(None),
            ..Default::default()
        };
        Ok(Entity::update_many().set(changes).filter(which).exec_with_returning(&self.inner).await?)
    }

    pub(super) async fn link_is_no_longer_requested(&self, company: CompanyId) -> Result<(), StoreError> {
        company::Entity::update_many()
            .col_expr(company::Column::LinkRequestedAt, Expr::val(None::<i64>))
            .filter(company::Column::Id.eq(company.uuid()))
            .exec(&self.inner)
            .await?;
        Ok(())
    }

    /// Whether an attempt that began with this link at that time may still connect. The caller has locked the company.
    pub(super) async fn link_may_finish(&self, link: LinkId, begun: Timestamp) -> Result<bool, StoreError> {
        Ok(self.link_state(link).await?.is_some_and(|state| state.may_finish(begun).is_ok()))
    }

    /// Whether an attempt may begin with this link now. The caller has locked the company.
    pub(super) async fn link_may_begin(&self, link: LinkId) -> Result<bool, StoreError> {
        Ok(self.link_state(link).await?.is_some_and(|state| state.may_begin(self.now).is_ok()))
    }

    async fn link_state(&self, link: LinkId) -> Result<Option<LinkState>, StoreError> {
        let found = find(&self.inner, Condition::all().add(Column::Id.eq(link.uuid()))).await?;
        let link = found.into_iter().next().map(Link::from_found).transpose()?;
        Ok(link.map(|link| link.state))
    }

    /// The company is connected: the link that this came by is used up, and whatever else is live has nothing left to do.
    pub(super) async fn use_up_link(
        &self,
        company: CompanyId,
        link: Option<LinkId>,
        attempt: AttemptId,
        connected_by: &str,
    ) -> Result<(), StoreError> {
        if let Some(link) = link {
            self.end_links(Condition::all().add(Column::Id.eq(link.uuid())), LinkEnd::Used, Some(attempt)).await?;
            self.record(&Actor::link_holder(), ActivityKind::LinkUsed, Some(company), format!("By {connected_by}"))
                .await?;
        }
        self.end_links(live(self.now).add(Column::CompanyId.eq(company.uuid())), LinkEnd::Overtaken, None).await?;
        self.link_is_no_longer_requested(company).await
    }
}
