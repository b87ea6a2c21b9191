//! The page M365 companies.

fn main() {
    frontend::mount(app::ui::CompaniesProgram);
}
