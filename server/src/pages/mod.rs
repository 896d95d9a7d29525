//! What the pages show: one view structure for each template.
