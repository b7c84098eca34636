//! Event handlers: invoked on a schedule, or by the table's stream.

pub mod audit;
pub mod certificates;
pub mod domains;
mod due;
pub mod organizations;
mod sealing;
