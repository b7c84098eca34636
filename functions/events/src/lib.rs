//! What happens without a request: on a schedule, or because something was written to the table.

pub mod audit;
pub mod certificates;
pub mod domains;
mod due;
pub mod organizations;
mod sealing;
