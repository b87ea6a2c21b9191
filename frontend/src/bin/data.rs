//! What was read of tenants: the page of a company, and the lists across companies.

fn main() {
    frontend::mount(app::ui::DataProgram);
}
