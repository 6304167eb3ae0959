//! Behavior of lagent: goldens of lagent 0.2.4, properties of the state machine, tools, transcripts, whole runs
//! against lmdeploy's server and a scripted one, recipes, and bad input.
#![allow(clippy::print_stdout)]

mod bad_input;
mod batch;
mod cancelled_calls;
mod derive;
mod drivers;
mod escapes;
mod exit_codes;
mod gold_agents;
mod golden;
mod hooks;
mod ipython;
mod kill;
mod local_tools;
mod map_tools;
mod mcp;
mod memory;
mod mock_service;
mod office_tools;
mod openapi;
mod parsers;
mod plot_levels;
mod properties;
mod protocols;
mod python;
mod react;
mod real_server;
mod recipes;
mod sandbox;
mod serve;
mod serve_files;
mod server;
mod server_clients;
mod steps;
mod teams;
mod terminal;
mod transcripts;
mod web_tools;
