//! The prompt texts and the schema of AutoGPT (`lagent/agents/autogpt.py`).
//!
//! The texts are upstream's (lagent 0.2.4, Apache-2.0), byte for byte: models were trained and
//! measured with exactly these.

/// System text with the role, the commands and the goal.
pub(crate) const AUTOGPT_PREFIX: &str = r"You are {ai_name}, {role_description}. Your decisions must always be made independently without seeking user assistance. Play to your strengths as an LLM and pursue simple strategies with no legal complications.
The OS you are running on is: {os_info}
## Constraints
You operate within the following constraints:
1. ~4000 word limit for short term memory. Your short term memory is short, so immediately save important information to files.
2. 'If you are unsure how you previously did something or want to recall past events, thinking about similar events will help you remember.
3. No user assistance
4. Exclusively use the commands listed below e.g. command_name
## Commands
You have access to the following commands:
{tool_description}
## Resources
You can leverage access to the following resources:
1. Internet access for searches and information gathering.
2. Long Term memory management.', 'File output.', 'Command execution
## Best practices
1. Continuously review and analyze your actions to ensure you are performing to the best of your abilities.
2. Constructively self-criticize your big-picture behavior constantly.
3. Reflect on past decisions and strategies to refine your approach.
4. Every command has a cost, so be smart and efficient. Aim to complete tasks in the least number of steps.
## Goals
For your task, you must fulfill the following goals:
{ai_goals}
";

/// System text that describes the JSON of a reply.
pub(crate) const AUTOGPT_CALL_PROTOCOL: &str = r"Respond strictly with JSON. The JSON should be compatible with the TypeScript type `Response` from the following:
```ts
interface Response {
    thoughts: {
        // Thoughts
        text: string;
        reasoning: string;
        // Short markdown-style bullet list that conveys the long-term plan
        plan: string;
        // Constructive self-criticism
        criticism: string;
        // Summary of thoughts to say to the user
        speak: string;
    };
    command: {
        name: string;
        args: Record<string, any>;
    };
}
```
";

/// User text that asks for the next command.
pub(crate) const AUTOGPT_TRIGGER: &str = "Determine exactly one command to use based on the given goals and the progress you have made so far, and respond using the JSON schema specified previously:";

/// JSON Schema of a reply.
pub(crate) const AUTOGPT_SCHEMA: &str = r#"{
 "$schema": "http://json-schema.org/draft-07/schema#",
 "type": "object",
 "properties": {
  "thoughts": {
   "type": "object",
   "properties": {
    "text": {
     "type": "string",
     "description": "thoughts"
    },
    "reasoning": {
     "type": "string"
    },
    "plan": {
     "type": "string",
     "description": "- short bulleted\n- list that conveys\n- long-term plan"
    },
    "criticism": {
     "type": "string",
     "description": "constructive self-criticism"
    },
    "speak": {
     "type": "string",
     "description": "thoughts summary to say to user"
    }
   },
   "required": [
    "text",
    "reasoning",
    "plan",
    "criticism",
    "speak"
   ],
   "additionalProperties": false
  },
  "command": {
   "type": "object",
   "properties": {
    "name": {
     "type": "string"
    },
    "args": {
     "type": "object"
    }
   },
   "required": [
    "name",
    "args"
   ],
   "additionalProperties": false
  }
 },
 "required": [
  "thoughts",
  "command"
 ],
 "additionalProperties": false
}"#;
