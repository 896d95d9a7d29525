//! Lets the page put a function into the module's table of functions, see `border::tab_use_traces`.
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_ARCH").as_deref() == Ok("wasm32") {
        println!("cargo::rustc-cdylib-link-arg=--export-table");
        println!("cargo::rustc-cdylib-link-arg=--growable-table");
    }
}
