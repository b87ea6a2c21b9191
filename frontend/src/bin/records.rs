//! What is done to companies: adding, changing, archiving and disconnecting them, and links for many.

fn main() {
    frontend::mount(app::ui::RecordsProgram);
}
