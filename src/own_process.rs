//! A process of its own for a test that changes what belongs to the whole process, such as
//! failpoints. The other tests of the binary, which run on threads beside it, notice nothing.

use std::process::Command;

/// Set in the process that runs one test alone, to that test's name.
const ALONE: &str = "OWN_PROCESS_OF_TEST";

/// Whether the calling test has this process to itself. If not, it was run in another one that has,
/// and passed there, so that nothing is left to do; had it failed there, this panics.
///
/// ```ignore
/// if !in_own_process!() {
///     return;
/// }
/// ```
macro_rules! in_own_process {
    () => {{
        fn here() {}
        $crate::own_process::enter(std::any::type_name_of_val(&here))
    }};
}
pub(crate) use in_own_process;

/// Does what [`in_own_process`] says for the test in which `here` is a function.
#[track_caller]
pub(crate) fn enter(here: &str) -> bool {
    let path = here.replace("::{{closure}}", "");
    let test = path.trim_end_matches("::here").split_once("::").expect("a path has a crate").1;
    if std::env::var(ALONE).is_ok_and(|alone| alone == test) {
        return true;
    }
    let output = Command::new(std::env::current_exe().expect("the test binary is known"))
        .args(["--exact", test, "--nocapture"])
        .env(ALONE, test)
        .output()
        .expect("the test binary can be started");
    let told = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{test} failed in a process of its own:\n{told}{complaint}");
    assert!(told.contains("1 passed"), "{test} was not found:\n{told}");
    false
}
