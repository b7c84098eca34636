//! identity-source
