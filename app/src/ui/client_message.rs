//! A text for the client, with the company's live link.

use leptos::{prelude::*, task::spawn_local};

use super::session::Session;
use crate::{
    api::links::write_link_message,
    domain::{CompanyId, LinkMessage},
};

/// How far a text for the client is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drafting {
    /// The server is asked for it.
    Busy,
    /// It is there.
    Written(LinkMessage),
    /// There is none, for this reason.
    Refused(String),
}

/// Has the server write it.
pub fn write(company: CompanyId, session: Session, drafting: RwSignal<Drafting>) {
    drafting.set(Drafting::Busy);
    spawn_local(async move {
        let answer = write_link_message(company).await.inspect_err(|error| {
            session.heed(error);
        });
        // Whoever went to another page does not wait for it.
        drafting.try_set(answer.map_or_else(|error| Drafting::Refused(error.message), Drafting::Written));
    });
}

/// The address that opens the mail program with a text.
pub fn mail_url(message: &LinkMessage, body: &str, encode: impl Fn(&str) -> String) -> String {
    // Mail programs want the @ as it is, and lines ended as in a mail.
    let to = message.to.as_deref().map(|to| encode(to).replace("%40", "@")).unwrap_or_default();
    format!("mailto:{to}?subject={}&body={}", encode(&message.subject), encode(&body.replace('\n', "\r\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_addressed_and_keeps_its_lines() {
        let encode = |text: &str| text.replace('@', "%40").replace("\r\n", "%0D%0A").replace(' ', "%20");
        let message = |to: Option<&str>| LinkMessage {
            to: to.map(str::to_owned),
            subject: "Connect Contoso".into(),
            body: String::new(),
        };
        let to_kim = mail_url(&message(Some("kim@contoso.example")), "Hello,\nKim", encode);
        assert_eq!(to_kim, "mailto:kim@contoso.example?subject=Connect%20Contoso&body=Hello,%0D%0AKim");
        assert_eq!(mail_url(&message(None), "Hi", encode), "mailto:?subject=Connect%20Contoso&body=Hi");
    }
}
