//! What this crate promises to programs, in one test program so that it is linked once.
mod config;
