//! Tells people what happens: settles notices, hands them to webhooks and mail, and sends those.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use app::domain::{DeliveryId, MailId, WebhookId, campaign::next_try, mail};
use tokio::{
    sync::Notify,
    task::{Id, JoinSet},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use url::Url;

use crate::{
    campaigns::{self, Outgoing},
    clock::Clock,
    links::LinkMaker,
    mail::{Mailer, SENT_WITHIN, letter},
    microsoft::Microsoft,
    store::{
        Store, StoreError,
        campaigns::{ClientMail, Sent},
        mail::Mail,
        presence::Retreat,
        webhooks::Delivery,
    },
    webhooks::{WebhookSender, event},
};

pub(crate) mod words;

/// How often to look for what is due, when nobody wakes it.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often to look when the certificate expires.
const CERTIFICATE_EVERY: Duration = Duration::from_mins(1);

/// How many events are on their way to one webhook at once, by each server. A slow one delays nobody but itself.
const AT_ONCE_TO_ONE: usize = 4;

/// How many mails are on their way at once.
const MAILS_AT_ONCE: usize = 2;

/// How many mails to clients are, besides.
const CLIENT_MAILS_AT_ONCE: usize = 4;

/// How long an event may be on its way. Longer than a receiver may take.
const LEASE: Duration = Duration::from_mins(2);

/// How long a mail may be on its way, until it is written down what became of it.
const MAIL_LEASE: Duration = SENT_WITHIN.saturating_add(WRITTEN_WITHIN).saturating_add(Duration::from_mins(1));

/// For how long it is tried to write down what was sent. Less than is left of a lease after the slowest receiver.
const WRITTEN_WITHIN: Duration = Duration::from_mins(1);

/// How long events that are on their way may take when the server stops. One that comes twice has the same id.
const GRACE: Duration = Duration::from_secs(5);

/// How long mails may: of one that is broken off nobody knows whether it was taken, and whoever is next sends it again.
const MAIL_GRACE: Duration = Duration::from_secs(9);

/// Tells people.
pub struct Notifier {
    store: Store,
    clock: Arc<dyn Clock>,
    webhooks: WebhookSender,
    mailer: Option<Mailer>,
    public_url: Url,
    /// Knows when our certificate expires, if it is one that proves who we are.
    microsoft: Option<Microsoft>,
    /// Opens the links that clients are sent.
    links: Arc<LinkMaker>,
    wake: Arc<Notify>,
}

/// What is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OnTheWay {
    Event(WebhookId, DeliveryId),
    Mail(MailId),
    ClientMail(MailId),
}

impl OnTheWay {
    const fn is_mail(&self) -> bool {
        matches!(self, Self::Mail(_) | Self::ClientMail(_))
    }
}

impl Notifier {
    /// Of the database where these links are. `wake` tells of what somebody wants sent now.
    pub fn new(
        links: Arc<LinkMaker>,
        webhooks: WebhookSender,
        mailer: Option<Mailer>,
        microsoft: Option<Microsoft>,
        wake: Arc<Notify>,
    ) -> Self {
        let (store, clock, public_url) = (links.store.clone(), links.clock.clone(), links.public_url.clone());
        Self { store, clock, webhooks, mailer, public_url, microsoft, links, wake }
    }

    /// Tells until `stop`. What is on its way then may arrive; what does not is sent once more by whoever is next.
    pub async fn run(self, stop: CancellationToken) {
        let this = Arc::new(self);
        let mut sending = JoinSet::new();
        let mut on_the_way: HashMap<Id, OnTheWay> = HashMap::new();
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut certificate = tokio::time::interval(CERTIFICATE_EVERY);
        let mut retreat = Retreat::default();
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = look.tick() => {}
                () = this.wake.notified() => {}
                _ = certificate.tick() => {
                    let ends = this.microsoft.as_ref().and_then(Microsoft::certificate_ends);
                    if let Err(error) = this.store.unless_away(this.store.note_certificate(ends)).await {
                        tracing::error!(%error, "when the certificate expires can't be noted");
                    }
                }
                Some(ended) = sending.join_next_with_id() => forget(&mut on_the_way, ended),
            }
            while let Some(ended) = sending.try_join_next_with_id() {
                forget(&mut on_the_way, ended);
            }
            match this.store.unless_away(this.tell(&mut sending, &mut on_the_way)).await {
                Ok(()) => retreat.forget(),
                Err(error) => {
                    tracing::error!(%error, "what people are to be told can't be read");
                    stop.run_until_cancelled(retreat.wait(this.store.presence())).await;
                }
            }
        }
        let stopped = Instant::now();
        loop {
            let mails = on_the_way.values().any(OnTheWay::is_mail);
            let until = stopped + if mails { MAIL_GRACE } else { GRACE };
            match tokio::time::timeout_at(until, sending.join_next_with_id()).await {
                Ok(Some(ended)) => forget(&mut on_the_way, ended),
                Ok(None) | Err(_) => break,
            }
        }
        if !on_the_way.is_empty() {
            sending.shutdown().await;
            if let Err(error) = this.store.unless_away(this.hand_back(on_the_way.values())).await {
                tracing::warn!(%error, "what was being sent can't be handed back; it is sent when the leases end");
            }
        }
    }

    /// One look at what there is to tell.
    async fn tell(
        self: &Arc<Self>,
        sending: &mut JoinSet<()>,
        on_the_way: &mut HashMap<Id, OnTheWay>,
    ) -> Result<(), StoreError> {
        let with_mail = self.mailer.is_some();
        while self.store.settle_notices(with_mail, |told| event::event(told, &self.public_url)).await? {}
        while self.store.gather_mail(|told| letter::letter(told, &self.public_url)).await? {}

        let mut busy: BTreeMap<WebhookId, usize> = BTreeMap::new();
        let (mut mails, mut client_mails) = (0, 0);
        for one in on_the_way.values() {
            match one {
                OnTheWay::Event(webhook, _) => *busy.entry(*webhook).or_default() += 1,
                OnTheWay::Mail(_) => mails += 1,
                OnTheWay::ClientMail(_) => client_mails += 1,
            }
        }
        for webhook in self.store.webhooks_with_due().await? {
            let free = AT_ONCE_TO_ONE.saturating_sub(busy.get(&webhook).copied().unwrap_or_default());
            if free == 0 {
                continue;
            }
            for delivery in self.store.claim_deliveries(webhook, free as u64, LEASE).await? {
                let one = OnTheWay::Event(webhook, delivery.id);
                let span = tracing::info_span!("delivery", delivery = %delivery.id, %webhook);
                on_the_way.insert(sending.spawn(self.clone().deliver(delivery).instrument(span)).id(), one);
            }
        }
        if let Some(mailer) = &self.mailer {
            let free = MAILS_AT_ONCE.saturating_sub(mails);
            if free > 0 {
                for mail in self.store.claim_mails(free as u64, MAIL_LEASE).await? {
                    let one = OnTheWay::Mail(mail.id);
                    let span = tracing::info_span!("mail", mail = %mail.id);
                    let posting = self.clone().post(mailer.clone(), mail).instrument(span);
                    on_the_way.insert(sending.spawn(posting).id(), one);
                }
            }
            let free = CLIENT_MAILS_AT_ONCE.saturating_sub(client_mails);
            if free > 0 {
                for mail in self.store.claim_client_mails(free as u64, MAIL_LEASE).await? {
                    let one = OnTheWay::ClientMail(mail.id);
                    let span = tracing::info_span!("client_mail", mail = %mail.id);
                    let posting = self.clone().post_to_client(mailer.clone(), mail).instrument(span);
                    on_the_way.insert(sending.spawn(posting).id(), one);
                }
            }
        }
        Ok(())
    }

    async fn deliver(self: Arc<Self>, delivery: Delivery) {
        let tried = self.webhooks.send(&delivery).await;
        if let Err(error) = self.written_down(|| self.store.delivery_tried(&delivery, &tried)).await {
            tracing::error!(%error, delivery = %delivery.id, "what a delivery came to can't be stored; it is repeated");
        }
    }

    async fn post(self: Arc<Self>, mailer: Mailer, mail: Mail) {
        let (problem, next) = match mailer.send(&mail.recipient, &mail.letter).await {
            Ok(()) => (None, None),
            Err(error) => {
                tracing::warn!(mail = %mail.id, error = error.details(), "a mail could not be sent");
                let wait = mail::next_try(mail.tries.saturating_add(1)).filter(|_| !error.is_final());
                (Some(error.to_string()), wait.map(|wait| self.clock.now().plus(wait)))
            }
        };
        if let Err(error) = self.written_down(|| self.store.mail_tried(&mail, problem.clone(), next)).await {
            tracing::error!(%error, mail = %mail.id, "what became of a mail can't be stored; it is sent once more");
        }
    }

    /// Whoever is killed between the mail server's yes and the line that says so has the mail sent once more, when its lease
    /// ends: there is no way to ask a mail server whether it took a mail.
    async fn post_to_client(self: Arc<Self>, mailer: Mailer, mail: ClientMail) {
        let not_sent = |problem: String, is_final: bool| {
            let wait = next_try(mail.tries.saturating_add(1)).filter(|_| !is_final);
            match wait {
                Some(wait) => Sent::Later { problem, next: self.clock.now().plus(wait) },
                None => Sent::No { problem },
            }
        };
        let sent = match campaigns::write(&self.links, &mail).await {
            Ok(None) => Sent::NotWanted,
            Ok(Some(Outgoing { letter, reply_to })) => {
                match mailer.send_for(reply_to.as_deref(), &mail.recipient, &letter).await {
                    Ok(()) => Sent::Yes,
                    Err(error) => {
                        tracing::warn!(mail = %mail.id, error = error.details(), "a mail to a client could not be sent");
                        not_sent(error.to_string(), error.is_refusal())
                    }
                }
            }
            Err(error) => {
                tracing::error!(%error, mail = %mail.id, "a mail to a client can't be written");
                not_sent("The mail could not be written; the server's log says why.".to_owned(), false)
            }
        };
        if let Err(error) = self.written_down(|| self.store.client_mail_tried(&mail, &sent)).await {
            tracing::error!(%error, mail = %mail.id, "what became of a mail can't be stored; it is sent once more");
        }
    }

    /// Writes down what was done, again and again for as long as nobody else may do it too: otherwise it is done twice.
    async fn written_down<W>(&self, write: impl Fn() -> W) -> Result<(), StoreError>
    where
        W: Future<Output = Result<(), StoreError>>,
    {
        let mut retreat = Retreat::default();
        let until = Instant::now() + WRITTEN_WITHIN;
        loop {
            match self.store.unless_away(write()).await {
                Err(error) if error.trouble().is_some() && Instant::now() < until => {
                    tracing::warn!(%error, "what was sent can't be written down; it is tried again");
                    drop(tokio::time::timeout_at(until, retreat.wait(self.store.presence())).await);
                }
                done => return done,
            }
        }
    }

    async fn hand_back(&self, all: impl Iterator<Item = &OnTheWay>) -> Result<(), StoreError> {
        let (mut deliveries, mut mails, mut client_mails) = (Vec::new(), Vec::new(), Vec::new());
        for one in all {
            match one {
                OnTheWay::Event(_, delivery) => deliveries.push(*delivery),
                OnTheWay::Mail(mail) => mails.push(*mail),
                OnTheWay::ClientMail(mail) => client_mails.push(*mail),
            }
        }
        self.store.hand_back_deliveries(&deliveries).await?;
        self.store.hand_back_mails(&mails).await?;
        self.store.hand_back_client_mails(&client_mails).await
    }
}

fn forget(on_the_way: &mut HashMap<Id, OnTheWay>, ended: Result<(Id, ()), tokio::task::JoinError>) {
    let id = match ended {
        Ok((id, ())) => id,
        Err(error) => {
            tracing::error!(%error, "sending broke off; it is repeated when its lease ends");
            error.id()
        }
    };
    on_the_way.remove(&id);
}
