//! Any bytes as a mail that may be a delivery report: one, or none, never a panic, and never a sign that only we can make.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| budkavle::source::fuzz::bounce(bytes));
