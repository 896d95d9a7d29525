//! Puts a module together.

use std::borrow::Cow;
use std::collections::HashMap;

use wasm_encoder::{
    CodeSection, ConstExpr, CustomSection, ElementSection, Elements, EntityType, ExportKind, ExportSection,
    FunctionSection, ImportSection, MemoryType, Module, RefType, TableSection, TableType, TypeSection, ValType,
};

use super::super::lower::lower;
use super::super::path::Path;
use super::body::NO_SLOT;
use super::common::{self, HELP_TYPE, RUN, TRACE_TYPE, TRACES, TYPES};
use super::context::{NO_TRACE, SLOTS};
use super::emitter::Emitter;
use super::table::{self, Source};
use crate::cpu::Timing;

/// A path and the code that it was found in.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) path: Path,
    pub(super) source: Source,
}

/// The module with these traces, which count silicon's time. It imports `tab.memory` and `tab.isrlab_help`, exports
/// `run`, and carries its table of traces as the custom section `table`.
pub(super) fn module(found: &[&Found]) -> Vec<u8> {
    let mut slots = HashMap::new();
    for one in found {
        let next = slots.len() as u32;
        slots.entry(one.source.pc()).or_insert(next);
    }
    assert!(slots.len() <= SLOTS, "a context has a slot for each address");

    let (mut functions, mut code) = (FunctionSection::new(), CodeSection::new());
    for (function, kind) in common::functions() {
        functions.function(kind);
        code.function(&function);
    }
    let mut emitter = Emitter::default();
    for one in found {
        lower(&one.path, Timing::Silicon, &mut emitter, |pc| slots.get(&pc).copied().unwrap_or(NO_SLOT));
        functions.function(TRACE_TYPE);
        code.function(&emitter.function());
    }

    let mut types = TypeSection::new();
    for (parameters, results) in TYPES {
        types.ty().function(vec![ValType::I32; parameters], vec![ValType::I32; results]);
    }
    let mut imports = ImportSection::new();
    let memory = MemoryType { minimum: 1, maximum: None, memory64: false, shared: false, page_size_log2: None };
    imports.import("tab", "isrlab_help", EntityType::Function(HELP_TYPE));
    imports.import("tab", "memory", EntityType::Memory(memory));
    let places = found.len() as u64 + u64::from(NO_TRACE) + 1;
    let mut tables = TableSection::new();
    tables.table(TableType {
        element_type: RefType::FUNCREF,
        table64: false,
        minimum: places,
        maximum: Some(places),
        shared: false,
    });
    let mut exports = ExportSection::new();
    exports.export("run", ExportKind::Func, RUN);
    let traces: Vec<u32> = (TRACES..).take(found.len()).collect();
    let mut elements = ElementSection::new();
    elements.active(None, &ConstExpr::i32_const(NO_TRACE as i32 + 1), Elements::Functions(Cow::Owned(traces)));

    let mut module = Module::new();
    module.section(&types).section(&imports).section(&functions).section(&tables).section(&exports);
    module.section(&elements).section(&code);
    let table = table::write(found.iter().map(|one| &one.source));
    module.section(&CustomSection { name: "table".into(), data: table.into() });
    module.finish()
}
