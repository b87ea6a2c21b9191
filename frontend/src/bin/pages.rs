//! All other pages: signing in, and settings.

fn main() {
    frontend::mount(app::ui::PagesProgram);
}
