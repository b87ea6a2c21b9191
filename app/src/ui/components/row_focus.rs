//! Where the focus is in a table whose rows come and go.

use leptos::prelude::*;

use crate::ui::browser::document;

/// Follows the focus in a table. When its row goes, the row that comes to the place gets it, else the last one, else the
/// page.
#[derive(Clone, Copy, Debug)]
pub struct RowFocus(StoredValue<Option<String>>);

impl RowFocus {
    /// Follows it. `rows`: for each row the id of what gets the focus.
    pub fn follow(rows: impl Fn() -> Vec<String> + 'static) -> Self {
        let this = Self(StoredValue::new(None));
        Effect::new(move |before: Option<Vec<String>>| {
            let now = rows();
            if let (Some(before), Some(focused)) = (before, this.0.get_value())
                && let Some(heir) = heir(&before, &now, &focused)
            {
                document::regain_focus(heir.to_owned());
            }
            now
        });
        // The last row takes the table with it.
        on_cleanup(move || {
            if this.0.try_get_value().flatten().is_some() {
                document::regain_focus(String::new());
            }
        });
        this
    }

    /// The focus came to the row of this id.
    pub fn is_in(self, id: &str) {
        self.0.set_value(Some(id.to_owned()));
    }

    /// Whether it was last in the row of this id.
    pub fn was_in(self, id: &str) -> bool {
        self.0.with_value(|focused| focused.as_deref() == Some(id))
    }
}

/// Which row gets the focus of one that is gone. None: it is still there, or never was. Empty: there is no row.
fn heir<'a>(before: &[String], now: &'a [String], focused: &str) -> Option<&'a str> {
    let place = before.iter().position(|id| id == focused)?;
    if now.iter().any(|id| id == focused) {
        return None;
    }
    Some(now.get(place.min(now.len().saturating_sub(1))).map_or("", String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_that_comes_to_the_place_gets_the_focus() {
        let ids = |ids: &str| ids.chars().map(String::from).collect::<Vec<_>>();
        for (before, now, focused, expected) in [
            ("abc", "ac", "b", Some("c")),
            ("abc", "ab", "c", Some("b")),
            ("abc", "", "a", Some("")),
            ("abc", "xabc", "a", None),
            ("abc", "bc", "x", None),
        ] {
            assert_eq!(heir(&ids(before), &ids(now), focused), expected, "{before} {now} {focused}");
        }
    }
}
