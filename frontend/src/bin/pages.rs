//! All pages but M365 companies.

fn main() {
    frontend::mount(app::ui::PagesProgram);
}
