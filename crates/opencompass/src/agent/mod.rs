//! Agents that answer questions with tools: the evaluated model inside of a lagent agent.

mod agent_model;
mod asked_model;
mod steps;

pub use agent_model::AgentModel;
