//! Links: those that are live, new ones for many companies, and what becomes of them.

fn main() {
    frontend::mount(app::ui::LinksProgram);
}
