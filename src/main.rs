//! Budkavle.
fn main() {}
