//! identity-center
