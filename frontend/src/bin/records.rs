//! What is done to companies: adding, changing, archiving and disconnecting them.

fn main() {
    frontend::mount(app::ui::RecordsProgram);
}
