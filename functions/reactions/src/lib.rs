//! Handlers of events: schedules, and the table's stream.

pub mod audit;
pub mod certificates;
pub mod domains;
mod due;
pub mod organizations;
mod sealing;
