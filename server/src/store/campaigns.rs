//! Campaigns: links for many companies, how far each is, and the mails with them. Whatever decides about mails locks the
//! campaign first, so that of two people who send at once the second sees what the first did.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use app::domain::{
    AccountId, ActivityKind, CampaignId, CampaignState, CompanyId, LinkId, LinkState, MailId, Template, Timestamp,
    campaign::{CampaignFacts, CampaignLink, CampaignMail, MailTexts, reminder_at},
};
use sea_orm::{
    ActiveValue::Set,
    Condition, ConnectionTrait, DbBackend, IntoActiveModel as _, QueryOrder as _, QuerySelect as _, QueryTrait as _,
    prelude::*,
    sea_query::{Expr, LockBehavior, LockType, OnConflict, SelectStatement},
};

use super::{
    ROWS_A_STATEMENT, Store, StoreError, Transaction,
    activity::Actor,
    entity::{account, campaign, campaign_company, campaign_mail, company, connection, link},
    links::{Contact, end_of, name_of},
    to_i32, to_u32,
};
use crate::clock::Mint as _;

/// How long a campaign is remembered.
const REMEMBERED: Duration = Duration::from_hours(24 * 365);

/// How many campaigns the list of them has.
const LISTED: u64 = 100;

/// Where a link that is made belongs.
pub struct InCampaign {
    /// The campaign.
    pub id: CampaignId,
    /// The campaign is to be made with it.
    pub new: Option<NewCampaign>,
}

/// A campaign that is made.
pub struct NewCampaign {
    /// What it is called.
    pub name: String,
    /// What clients are written.
    pub template: Template,
    /// How many days before a link expires its client is reminded.
    pub remind_days: Option<u8>,
}

/// A campaign as it is stored.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// Which one.
    pub id: CampaignId,
    /// What it is called.
    pub name: String,
    /// Who made it.
    pub made_by: String,
    /// When.
    pub made_at: Timestamp,
    /// What clients are written: subject and body, with their places.
    pub texts: (String, String),
    /// How many days before a link expires its client is reminded.
    pub remind_days: Option<u8>,
}

/// A company of a campaign as it is stored.
#[derive(Clone, Debug)]
pub struct Member {
    /// The campaign.
    pub campaign: CampaignId,
    /// The company.
    pub company: CompanyId,
    /// Its name.
    pub name: String,
    /// Whom to write to there.
    pub contact: Contact,
    /// Its link.
    pub link: LinkId,
    /// What decides how far it is.
    pub facts: CampaignFacts,
    /// Why the latest mail could not be sent, if so.
    pub problem: Option<String>,
    /// What became of the reminder, if there is one: when it was sent, or why not.
    pub reminder: Option<Result<Timestamp, String>>,
}

/// A mail to a client that is to be sent now.
#[derive(Clone, Debug)]
pub struct ClientMail {
    /// Which one.
    pub id: MailId,
    /// The campaign.
    pub campaign: CampaignId,
    /// The company.
    pub company: CompanyId,
    /// The link that it brings.
    pub link: LinkId,
    /// Whether it reminds of it.
    pub is_reminder: bool,
    /// To whom.
    pub recipient: String,
    /// The account in whose name it is.
    pub made_by: AccountId,
    /// How often it failed.
    pub tries: u32,
    lease: Uuid,
}

/// What became of such a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is sent.
    Yes,
    /// It could not be sent, and is tried again.
    Later {
        /// Why.
        problem: String,
        /// When.
        next: Timestamp,
    },
    /// It can't be sent.
    No {
        /// Why.
        problem: String,
    },
    /// There is nothing to send any more.
    NotWanted,
}

/// What became of mails that somebody wants sent.
#[derive(Debug, Default)]
pub struct Queued {
    /// How many are on their way.
    pub mails: u32,
    /// The names of the companies that are written nothing, and why.
    pub left_out: Vec<(String, &'static str)>,
}

fn campaign_of((model, account): (campaign::Model, Option<account::Model>)) -> Campaign {
    Campaign {
        id: CampaignId::from_uuid(model.id),
        name: model.name,
        made_by: name_of(account),
        made_at: Timestamp::from_millis(model.made_at),
        texts: (model.subject, model.body),
        remind_days: model.remind_days.and_then(|days| u8::try_from(days).ok()),
    }
}

impl Store {
    /// The campaign with this id.
    pub async fn campaign(&self, id: CampaignId) -> Result<Option<Campaign>, StoreError> {
        let found =
            campaign::Entity::find_by_id(id.uuid()).find_also_related(account::Entity).one(&self.reader).await?;
        Ok(found.map(campaign_of))
    }

    /// The latest campaigns, the latest first.
    pub async fn campaigns(&self) -> Result<Vec<Campaign>, StoreError> {
        let found = campaign::Entity::find()
            .find_also_related(account::Entity)
            .order_by_desc(campaign::Column::MadeAt)
            .order_by_desc(campaign::Column::Id)
            .limit(LISTED)
            .all(&self.reader)
            .await?;
        Ok(found.into_iter().map(campaign_of).collect())
    }

    /// The companies of campaigns, by name.
    pub async fn campaign_members(&self, campaigns: &[CampaignId]) -> Result<Vec<Member>, StoreError> {
        members(&self.reader, campaigns, None).await
    }

    /// A company of a campaign.
    pub async fn campaign_member(
        &self,
        campaign: CampaignId,
        company: CompanyId,
    ) -> Result<Option<Member>, StoreError> {
        Ok(members(&self.reader, &[campaign], Some(company)).await?.into_iter().next())
    }

    /// Keeps what clients of a campaign are written, where that is given, and has these companies sent their links. None:
    /// there is no such campaign.
    pub async fn send_to_clients(
        &self,
        campaign: CampaignId,
        texts: Option<&MailTexts>,
        companies: &[CompanyId],
        again: bool,
        by: &Actor,
    ) -> Result<Option<Queued>, StoreError> {
        let transaction = self.begin().await?;
        let (Some(model), Some(made_by)) = (transaction.lock_campaign(campaign).await?, by.account_id()) else {
            return Ok(None);
        };
        let members = members(&transaction.inner, &[campaign], None).await?;
        if let Some(MailTexts { template, remind_days }) = texts {
            let days = remind_days.map(i32::from);
            let changes = campaign::ActiveModel {
                subject: Set(template.subject().to_owned()),
                body: Set(template.body().to_owned()),
                remind_days: Set(days),
                ..Default::default()
            };
            let which = campaign::Column::Id.eq(campaign.uuid());
            campaign::Entity::update_many().set(changes).filter(which).exec(&transaction.inner).await?;
            if model.remind_days != days {
                transaction.plan_reminders(campaign, &members, *remind_days).await?;
            }
        }
        let queued = transaction.queue(members, companies, again, made_by).await?;
        transaction.commit().await?;
        Ok(Some(queued))
    }

    /// These companies were sent their links in another way. Answers how many of them waited for it, or none if there is
    /// no such campaign.
    pub async fn mark_sent(
        &self,
        campaign: CampaignId,
        companies: &[CompanyId],
        by: &Actor,
    ) -> Result<Option<u32>, StoreError> {
        use campaign_company::{Column, Entity};

        let transaction = self.begin().await?;
        if transaction.lock_campaign(campaign).await?.is_none() {
            return Ok(None);
        }
        let wanted: HashSet<_> = companies.iter().copied().collect();
        let now = transaction.now;
        let unsent: Vec<_> = members(&transaction.inner, &[campaign], None)
            .await?
            .into_iter()
            .filter(|member| wanted.contains(&member.company))
            .filter(|member| matches!(member.facts.state(now).0, CampaignState::NotSent | CampaignState::Failed))
            .map(|member| (member.company, member.name))
            .collect();
        for part in unsent.chunks(ROWS_A_STATEMENT) {
            Entity::update_many()
                .col_expr(Column::ByHandAt, Expr::val(now.as_millis()))
                .filter(Column::CampaignId.eq(campaign.uuid()))
                .filter(Column::CompanyId.is_in(part.iter().map(|(company, _)| company.uuid())))
                .exec(&transaction.inner)
                .await?;
        }
        let rows = unsent.into_iter().map(|(company, name)| (company, name, String::new())).collect::<Vec<_>>();
        let count = to_count(rows.len());
        transaction.record_many(by, ActivityKind::LinkMarkedSent, rows).await?;
        transaction.commit().await?;
        Ok(Some(count))
    }

    /// Takes up to `limit` mails to clients that are due, for as long as `lease`.
    pub async fn claim_client_mails(&self, limit: u64, lease: Duration) -> Result<Vec<ClientMail>, StoreError> {
        use campaign_mail::{Column, Entity};

        let now = self.clock.now();
        let due = Condition::all()
            .add(Column::DueAt.lte(now.as_millis()))
            .add(Condition::any().add(Column::LeaseUntil.is_null()).add(Column::LeaseUntil.lte(now.as_millis())));
        let mut waiting =
            Entity::find().select_only().column(Column::Id).filter(due).order_by_asc(Column::DueAt).limit(limit);
        if self.engine() == DbBackend::Postgres {
            waiting = waiting.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
        } else if waiting.clone().into_tuple::<Uuid>().one(&self.reader).await?.is_none() {
            return Ok(Vec::new());
        }
        let token = Uuid::new_v4();
        let claimed = Entity::update_many()
            .col_expr(Column::Lease, Expr::val(token))
            .col_expr(Column::LeaseUntil, Expr::val(now.plus(lease).as_millis()))
            .filter(Column::Id.in_subquery(waiting.into_query()))
            .exec_with_returning(&self.writer)
            .await?;
        Ok(claimed
            .into_iter()
            .map(|model| ClientMail {
                id: MailId::from_uuid(model.id),
                campaign: CampaignId::from_uuid(model.campaign_id),
                company: CompanyId::from_uuid(model.company_id),
                link: LinkId::from_uuid(model.link_id),
                is_reminder: model.reminds_of.is_some(),
                recipient: model.recipient,
                made_by: AccountId::from_uuid(model.made_by),
                tries: to_u32(model.tries),
                lease: token,
            })
            .collect())
    }

    /// Whose name and address a mail to a client bears. None: there is no such account any more, or they have left.
    pub async fn sender(&self, account: AccountId) -> Result<Option<(String, String)>, StoreError> {
        let active = account::Column::DeactivatedAt.is_null();
        let found = account::Entity::find_by_id(account.uuid()).filter(active).one(&self.reader).await?;
        Ok(found.map(|found| (found.email.clone(), name_of(Some(found)))).map(|(email, name)| (name, email)))
    }

    /// Writes down what became of a mail to a client. Nothing if the lease was lost.
    pub async fn client_mail_tried(&self, mail: &ClientMail, sent: &Sent) -> Result<(), StoreError> {
        use campaign_mail::{ActiveModel, Column, Entity};

        let transaction = self.begin().await?;
        let campaign = transaction.lock_campaign(mail.campaign).await?;
        let (now, tries) = (transaction.now, to_i32(mail.tries.saturating_add(1)));
        let over = ActiveModel { due_at: Set(None), lease: Set(None), lease_until: Set(None), ..Default::default() };
        let changes = match sent {
            Sent::Yes => {
                ActiveModel { tries: Set(tries), sent_at: Set(Some(now.as_millis())), problem: Set(None), ..over }
            }
            Sent::Later { problem, next } => ActiveModel {
                due_at: Set(Some(next.as_millis())),
                tries: Set(tries),
                problem: Set(Some(problem.clone())),
                ..over
            },
            Sent::No { problem } => ActiveModel { tries: Set(tries), problem: Set(Some(problem.clone())), ..over },
            Sent::NotWanted => over,
        };
        let which = Condition::all().add(Column::Id.eq(mail.id.uuid())).add(Column::Lease.eq(mail.lease));
        let updated = Entity::update_many().set(changes).filter(which).exec(&transaction.inner).await?;
        if updated.rows_affected == 0 {
            return Ok(());
        }
        let by = transaction.actor(Some(mail.made_by.uuid())).await?;
        let record = match (sent, mail.is_reminder) {
            (Sent::Yes, true) => Some((ActivityKind::LinkReminded, format!("To {}", mail.recipient))),
            (Sent::Yes, false) => Some((ActivityKind::LinkSent, format!("To {}", mail.recipient))),
            (Sent::No { problem }, _) => Some((ActivityKind::LinkNotSent, format!("To {}: {problem}", mail.recipient))),
            (Sent::Later { .. } | Sent::NotWanted, _) => None,
        };
        if let Some((kind, text)) = record {
            transaction.record(&by, kind, Some(mail.company), text).await?;
        }
        if *sent == Sent::Yes && !mail.is_reminder {
            let members = members(&transaction.inner, &[mail.campaign], Some(mail.company)).await?;
            let member = members.into_iter().find(|member| member.link == mail.link);
            let days = campaign.and_then(|campaign| u8::try_from(campaign.remind_days?).ok());
            if let (Some(member), Some(days)) = (member, days) {
                transaction.plan_reminder(&member, days).await?;
            }
        }
        transaction.commit().await
    }

    /// Gives mails to clients back that were not sent.
    pub async fn hand_back_client_mails(&self, mails: &[MailId]) -> Result<(), StoreError> {
        use campaign_mail::{Column, Entity};

        Entity::update_many()
            .col_expr(Column::Lease, Expr::val(None::<Uuid>))
            .col_expr(Column::LeaseUntil, Expr::val(None::<i64>))
            .filter(Column::Id.is_in(mails.iter().map(|id| id.uuid())))
            .exec(&self.writer)
            .await?;
        Ok(())
    }

    /// Forgets campaigns of long ago.
    pub async fn forget_old_campaigns(&self) -> Result<(), StoreError> {
        let long_ago = self.clock.now().minus(REMEMBERED).as_millis();
        campaign::Entity::delete_many().filter(campaign::Column::MadeAt.lt(long_ago)).exec(&self.writer).await?;
        Ok(())
    }
}

/// What belongs to the members of campaigns.
struct Belongings {
    links: HashMap<Uuid, link::Model>,
    connected: HashMap<Uuid, i64>,
    /// The latest mail with each link.
    mails: HashMap<Uuid, campaign_mail::Model>,
    reminders: HashMap<Uuid, campaign_mail::Model>,
}

/// The companies of campaigns, by name; of all companies, or of one.
async fn members(
    db: &impl ConnectionTrait,
    campaigns: &[CampaignId],
    company: Option<CompanyId>,
) -> Result<Vec<Member>, StoreError> {
    use campaign_company::{Column, Entity};

    let these = Condition::all()
        .add(Column::CampaignId.is_in(campaigns.iter().map(|campaign| campaign.uuid())))
        .add_option(company.map(|company| Column::CompanyId.eq(company.uuid())));
    let their_mails = Condition::all()
        .add(campaign_mail::Column::CampaignId.is_in(campaigns.iter().map(|campaign| campaign.uuid())))
        .add_option(company.map(|company| campaign_mail::Column::CompanyId.eq(company.uuid())));
    let ids = |column: Column| -> SelectStatement {
        Entity::find().select_only().column(column).filter(these.clone()).into_query()
    };
    // Before what they have: what is read after them may be newer, and must not be older.
    let found = Entity::find().filter(these.clone()).find_also_related(company::Entity).all(db).await?;
    let links = link::Entity::find().filter(link::Column::Id.in_subquery(ids(Column::LinkId))).all(db).await?;
    let connected: Vec<(Uuid, i64)> = connection::Entity::find()
        .select_only()
        .columns([connection::Column::CompanyId, connection::Column::ConnectedAt])
        .filter(connection::Column::CompanyId.in_subquery(ids(Column::CompanyId)))
        .into_tuple()
        .all(db)
        .await?;
    let all_mails = campaign_mail::Entity::find()
        .filter(their_mails)
        .order_by_asc(campaign_mail::Column::MadeAt)
        .order_by_asc(campaign_mail::Column::Id)
        .all(db)
        .await?;
    let (reminders, mails): (Vec<_>, Vec<_>) = all_mails.into_iter().partition(|mail| mail.reminds_of.is_some());
    let of_link = |mails: Vec<campaign_mail::Model>| mails.into_iter().map(|mail| (mail.link_id, mail)).collect();
    let mut theirs = Belongings {
        links: links.into_iter().map(|link| (link.id, link)).collect(),
        connected: connected.into_iter().collect(),
        mails: of_link(mails),
        reminders: of_link(reminders),
    };
    let mut members = found
        .into_iter()
        .filter_map(|(model, company)| Some(member(&model, company?, &mut theirs)))
        .collect::<Result<Vec<_>, _>>()?;
    members.sort_by_cached_key(|member| (member.name.to_lowercase(), member.company));
    Ok(members)
}

fn member(
    model: &campaign_company::Model,
    company: company::Model,
    theirs: &mut Belongings,
) -> Result<Member, StoreError> {
    let time = Timestamp::from_millis;
    let link = theirs.links.remove(&model.link_id).map(|link| {
        Ok::<_, StoreError>(CampaignLink {
            state: LinkState { expires: time(link.expires_at), end: end_of(&link)? },
            ended_at: link.ended_at.map(time),
            opened_at: link.opened_at.map(time),
        })
    });
    let mail = theirs.mails.remove(&model.link_id);
    let reminder = theirs.reminders.remove(&model.link_id);
    let facts = CampaignFacts {
        archived: company.archived_at.is_some(),
        since: time(model.since),
        link: link.transpose()?,
        connected_at: theirs.connected.get(&company.id).copied().map(time),
        requested_at: company.link_requested_at.map(time),
        by_hand_at: model.by_hand_at.map(time),
        mail: mail.as_ref().map(|mail| CampaignMail {
            made_at: time(mail.made_at),
            due: mail.due_at.is_some(),
            sent_at: mail.sent_at.map(time),
        }),
    };
    Ok(Member {
        campaign: CampaignId::from_uuid(model.campaign_id),
        company: CompanyId::from_uuid(company.id),
        name: company.name,
        contact: Contact::of(company.contact, company.contact_email.as_deref()),
        link: LinkId::from_uuid(model.link_id),
        facts,
        problem: mail.and_then(|mail| mail.problem),
        reminder: reminder.and_then(|reminder| match (reminder.sent_at, reminder.problem) {
            (Some(at), _) => Some(Ok(time(at))),
            (None, problem) => problem.map(Err),
        }),
    })
}

fn to_count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl Transaction {
    /// The campaign, about whose mails nobody else decides until this is over.
    async fn lock_campaign(&self, id: CampaignId) -> Result<Option<campaign::Model>, StoreError> {
        let mut campaign = campaign::Entity::find_by_id(id.uuid());
        if self.inner.get_database_backend() == DbBackend::Postgres {
            campaign = campaign.lock_exclusive();
        }
        Ok(campaign.one(&self.inner).await?)
    }

    /// A company has this link in the campaign now, which is made if need be.
    pub(super) async fn add_to_campaign(
        &self,
        campaign: InCampaign,
        company: CompanyId,
        link: LinkId,
        by: &Actor,
    ) -> Result<(), StoreError> {
        use campaign_company::{Column, Entity, Model};

        if let (Some(new), Some(made_by)) = (campaign.new, by.account_id()) {
            let model = campaign::Model {
                id: campaign.id.uuid(),
                name: new.name.clone(),
                made_by: made_by.uuid(),
                made_at: self.now.as_millis(),
                subject: new.template.subject().to_owned(),
                body: new.template.body().to_owned(),
                remind_days: new.remind_days.map(i32::from),
            };
            campaign::Entity::insert(model.into_active_model()).exec_without_returning(&self.inner).await?;
            self.record(by, ActivityKind::CampaignBegun, None, new.name).await?;
        }
        let model = Model {
            campaign_id: campaign.id.uuid(),
            company_id: company.uuid(),
            link_id: link.uuid(),
            since: self.now.as_millis(),
            by_hand_at: None,
        };
        let replace = OnConflict::columns([Column::CampaignId, Column::CompanyId])
            .update_columns([Column::LinkId, Column::Since, Column::ByHandAt])
            .to_owned();
        Entity::insert(model.into_active_model()).on_conflict(replace).exec_without_returning(&self.inner).await?;
        Ok(())
    }

    /// Writes mails for those of a campaign's companies that are wanted and can be written to.
    async fn queue(
        &self,
        members: Vec<Member>,
        companies: &[CompanyId],
        again: bool,
        made_by: AccountId,
    ) -> Result<Queued, StoreError> {
        let wanted: HashSet<_> = companies.iter().copied().collect();
        let mut queued = Queued::default();
        let mut mails = Vec::new();
        for member in members.into_iter().filter(|member| wanted.contains(&member.company)) {
            let refusal = member.facts.refuses_mail(self.now, again);
            match (refusal, member.contact.email) {
                (Some(why), _) => queued.left_out.push((member.name, why)),
                (None, None) => queued.left_out.push((member.name, "No address of a contact is written down.")),
                (None, Some(recipient)) => {
                    let mail =
                        self.client_mail(member.campaign, member.company, member.link, recipient.to_string(), made_by);
                    mails.push(mail.into_active_model());
                }
            }
        }
        queued.mails = to_count(mails.len());
        for part in mails.chunks(ROWS_A_STATEMENT) {
            campaign_mail::Entity::insert_many(part.iter().cloned()).exec_without_returning(&self.inner).await?;
        }
        Ok(queued)
    }

    fn client_mail(
        &self,
        campaign: CampaignId,
        company: CompanyId,
        link: LinkId,
        recipient: String,
        made_by: AccountId,
    ) -> campaign_mail::Model {
        campaign_mail::Model {
            id: MailId::mint(self.now).uuid(),
            campaign_id: campaign.uuid(),
            company_id: company.uuid(),
            link_id: link.uuid(),
            reminds_of: None,
            recipient,
            made_by: made_by.uuid(),
            made_at: self.now.as_millis(),
            due_at: Some(self.now.as_millis()),
            lease: None,
            lease_until: None,
            tries: 0,
            sent_at: None,
            problem: None,
        }
    }

    /// Reminders are to come at another time, or not at all.
    async fn plan_reminders(
        &self,
        campaign: CampaignId,
        members: &[Member],
        days: Option<u8>,
    ) -> Result<(), StoreError> {
        use campaign_mail::{Column, Entity};

        // One that is on its way is let go.
        let idle = Condition::any().add(Column::LeaseUntil.is_null()).add(Column::LeaseUntil.lte(self.now.as_millis()));
        Entity::delete_many()
            .filter(Column::CampaignId.eq(campaign.uuid()))
            .filter(Column::RemindsOf.is_not_null())
            .filter(Column::DueAt.is_not_null())
            .filter(idle)
            .exec(&self.inner)
            .await?;
        if let Some(days) = days {
            for member in members {
                self.plan_reminder(member, days).await?;
            }
        }
        Ok(())
    }

    /// The client is reminded of the link, if it was sent by mail, lives long enough, and they were not reminded before.
    async fn plan_reminder(&self, member: &Member, days: u8) -> Result<(), StoreError> {
        use campaign_mail::{Column, Entity};

        let facts = &member.facts;
        let (Some(link), Some(sent_at)) = (facts.link, facts.mail.and_then(|mail| mail.sent_at)) else {
            return Ok(());
        };
        let is_live = !facts.archived && link.state.may_begin(self.now).is_ok();
        let Some(at) = reminder_at(link.state.expires, days, sent_at).filter(|_| is_live) else { return Ok(()) };
        // To whom the link was sent, in the name of who sent it.
        let latest = Entity::find()
            // The index is by these two.
            .filter(Column::CampaignId.eq(member.campaign.uuid()))
            .filter(Column::CompanyId.eq(member.company.uuid()))
            .filter(Column::LinkId.eq(member.link.uuid()))
            .filter(Column::RemindsOf.is_null())
            .filter(Column::SentAt.is_not_null())
            .order_by_desc(Column::SentAt)
            .one(&self.inner)
            .await?;
        let Some(latest) = latest else { return Ok(()) };
        let reminder = campaign_mail::Model {
            reminds_of: Some(member.link.uuid()),
            due_at: Some(at.as_millis()),
            ..self.client_mail(
                member.campaign,
                member.company,
                member.link,
                latest.recipient,
                AccountId::from_uuid(latest.made_by),
            )
        };
        let once = OnConflict::column(Column::RemindsOf).do_nothing().to_owned();
        Entity::insert(reminder.into_active_model()).on_conflict(once).exec_without_returning(&self.inner).await?;
        Ok(())
    }
}
