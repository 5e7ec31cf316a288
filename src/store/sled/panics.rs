//! Panics of the engine, which on damaged files are many, turned into values.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Calls `f`; what it panics with comes back as text, and isn't printed as well.
pub(super) fn caught<T>(f: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let outer = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                outer(info);
            }
        }));
    });
    let before = QUIET.replace(true);
    // What `f` leaves half done is thrown away by every caller: the engine is put aside, the transaction dropped.
    let result = panic::catch_unwind(AssertUnwindSafe(f));
    QUIET.set(before);
    result.map_err(|payload| said(payload.as_ref()))
}

/// The first line of what a panic said.
fn said(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied());
    let line = text.and_then(|t| t.lines().next()).unwrap_or("nothing");
    line.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_first_line() {
        let text = caught(|| -> () { panic!("byte {} is wrong\nmore", 7) });
        assert_eq!(text, Err("byte 7 is wrong".to_owned()));
        assert_eq!(caught(|| 7), Ok(7));
    }
}
