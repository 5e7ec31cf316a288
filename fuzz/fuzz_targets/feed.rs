//! Any bytes as a vendor's status page, and as what Alertmanager posts.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| budkavle::source::fuzz::feed(bytes));
