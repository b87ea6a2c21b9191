//! Light, dark, or as the system.

use leptos::prelude::*;

use super::{Segment, Segments, Shape};
use crate::ui::browser::theme::{self, Theme};

const fn shape(theme: Theme) -> Shape {
    match theme {
        Theme::System => Shape::Screen,
        Theme::Light => Shape::Sun,
        Theme::Dark => Shape::Moon,
    }
}

/// The switch. The choice is kept in this browser.
#[component]
pub fn ThemeSwitch() -> impl IntoView {
    let place = Theme::ALL.into_iter().position(|theme| theme == theme::chosen()).unwrap_or_default();
    let chosen = RwSignal::new(place);
    let segments = Theme::ALL
        .into_iter()
        .map(|theme| Segment { label: theme.label(), count: None, shape: Some(shape(theme)) })
        .collect();
    let on_choose = Callback::new(move |place: usize| {
        theme::choose(Theme::ALL[place]);
        chosen.set(place);
    });
    view! { <Segments legend="Theme" name="theme" segments chosen=chosen.read_only() on_choose /> }
}
