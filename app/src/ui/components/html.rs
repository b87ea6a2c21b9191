//! Markup as text, for what there is much of on a page: a row that is made of it costs a fraction of the program, and of
//! the time, that a row made of views does.

use super::Shape;

/// Markup that is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Markup(String);

impl Markup {
    /// As the browser takes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Markup> for String {
    fn from(markup: Markup) -> Self {
        markup.0
    }
}

/// Markup in the making. What the program does not hold word for word itself is escaped.
#[derive(Default)]
pub struct Html(String);

impl Html {
    /// Adds markup.
    pub fn markup(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Adds a text, or the value of an attribute between its quotes.
    pub fn text(&mut self, text: &str) -> &mut Self {
        for letter in text.chars() {
            match letter {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                letter => self.0.push(letter),
            }
        }
        self
    }

    /// Adds an attribute.
    pub fn attribute(&mut self, name: &'static str, value: &str) -> &mut Self {
        self.markup(" ").markup(name).markup("=\"").text(value).markup("\"")
    }

    /// Adds an attribute that some have.
    pub fn attribute_if(&mut self, name: &'static str, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.attribute(name, value),
            None => self,
        }
    }

    /// Adds a picture.
    pub fn icon(&mut self, shape: Shape) -> &mut Self {
        self.markup("<svg").attribute("class", shape.class()).markup(" viewBox=\"0 0 16 16\" aria-hidden=\"true\">");
        if let Some(path) = shape.fill() {
            self.markup("<path class=\"icon-fill\"").attribute("d", path).markup("/>");
        }
        if shape == Shape::Ring {
            self.markup("<circle class=\"icon-dashes\" cx=\"8\" cy=\"8\" r=\"6\"/>");
        }
        self.markup("<path").attribute("d", shape.line()).markup("/></svg>")
    }

    /// Adds something in an element of this class.
    pub fn span(&mut self, class: &'static str, text: &str) -> &mut Self {
        self.markup("<span").attribute("class", class).markup(">").text(text).markup("</span>")
    }

    /// Adds what was made before.
    pub fn part(&mut self, part: &Markup) -> &mut Self {
        self.0.push_str(&part.0);
        self
    }

    /// All of it.
    pub fn finish(self) -> Markup {
        Markup(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_somebody_typed_becomes_markup() {
        let mut html = Html::default();
        html.markup("<a").attribute("title", "\" onclick=\"x").markup(">").text("<img src=x> & \"co\"").markup("</a>");
        html.attribute_if("title", None);
        assert_eq!(
            html.finish().as_str(),
            "<a title=\"&quot; onclick=&quot;x\">&lt;img src=x&gt; &amp; &quot;co&quot;</a>"
        );
    }
}
