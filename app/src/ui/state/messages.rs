//! What was said lately. It stays readable for a screen reader after it has left the screen.

use std::time::Duration;

use crate::domain::{CompanyId, Timestamp};

/// How long a message is on the screen.
const SHOWN: Duration = Duration::from_secs(8);

/// How many are kept.
const KEPT: usize = 5;

/// How a message looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Something came to a good end.
    Good,
    /// Something else happened.
    Plain,
    /// For screen readers only: who sees the page sees it anyway. A newer one takes its place.
    Unseen,
}

/// One thing that was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Different for each.
    pub id: u32,
    /// The words.
    pub text: String,
    /// How it looks.
    pub tone: Tone,
    /// Whether it is on the screen.
    pub shown: bool,
    about: Option<CompanyId>,
    said_at: Timestamp,
}

/// What was said lately, the oldest first.
#[derive(Clone, Debug, Default)]
pub struct Messages {
    list: Vec<Message>,
    next: u32,
}

impl Messages {
    /// All that are kept, the oldest first.
    pub fn all(&self) -> &[Message] {
        &self.list
    }

    /// Says something. On the screen, it takes the place of what was said about the same company.
    pub fn say(&mut self, text: String, tone: Tone, about: Option<CompanyId>, now: Timestamp) {
        self.hide(|message| message.about.is_some() && message.about == about);
        // The same words again are a new message in the place of the old one, so that they are read out again.
        self.list.retain(|message| message.text != text && (tone != Tone::Unseen || message.tone != Tone::Unseen));
        self.list.push(Message { id: self.next, text, tone, shown: tone != Tone::Unseen, about, said_at: now });
        self.next = self.next.wrapping_add(1);
        if self.list.len() > KEPT {
            self.list.remove(0);
        }
    }

    /// Takes what was said long enough ago off the screen. Says whether that changed anything.
    pub fn fade(&mut self, now: Timestamp) -> bool {
        self.hide(|message| now.since(message.said_at) >= SHOWN)
    }

    /// Takes one off the screen. Says whether that changed anything.
    pub fn dismiss(&mut self, id: u32) -> bool {
        self.hide(|message| message.id == id)
    }

    fn hide(&mut self, which: impl Fn(&Message) -> bool) -> bool {
        let mut changed = false;
        for message in self.list.iter_mut().filter(|message| message.shown && which(message)) {
            message.shown = false;
            changed = true;
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000);

    fn texts(messages: &Messages) -> Vec<&str> {
        messages.all().iter().map(|message| message.text.as_str()).collect()
    }

    #[test]
    fn the_last_few_are_kept() {
        let mut messages = Messages::default();
        for number in 0..7 {
            messages.say(number.to_string(), Tone::Plain, None, NOW);
        }
        assert_eq!(texts(&messages), ["2", "3", "4", "5", "6"]);
    }

    #[test]
    fn a_message_leaves_the_screen_and_stays_readable() {
        let mut messages = Messages::default();
        messages.say("Contoso connected".into(), Tone::Good, None, NOW);
        assert!(!messages.fade(NOW));
        assert!(messages.fade(NOW.plus(SHOWN)));
        assert!(!messages.fade(NOW.plus(SHOWN)));
        assert_eq!(texts(&messages), ["Contoso connected"]);
        assert!(!messages.all()[0].shown);
    }

    #[test]
    fn counts_of_a_search_replace_each_other() {
        let mut messages = Messages::default();
        messages.say("Contoso connected".into(), Tone::Good, None, NOW);
        messages.say("3 companies found".into(), Tone::Unseen, None, NOW);
        messages.say("2 companies found".into(), Tone::Unseen, None, NOW);
        assert_eq!(texts(&messages), ["Contoso connected", "2 companies found"]);
    }

    #[test]
    fn on_the_screen_a_company_has_one_message() {
        let company = Some(CompanyId::from_uuid(uuid::Uuid::nil()));
        let mut messages = Messages::default();
        messages.say("Contoso: verifying…".into(), Tone::Plain, company, NOW);
        messages.say("Contoso connected".into(), Tone::Good, company, NOW);
        assert_eq!(messages.all().iter().map(|message| message.shown).collect::<Vec<_>>(), [false, true]);
    }
}
