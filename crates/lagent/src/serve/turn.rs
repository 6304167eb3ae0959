//! [`Turn`]: one question from its request to its end, on a task of its own.

use std::sync::Arc;
use std::time::SystemTime;

use internlm_kit::hash;
use internlm_model::chat::{Message, Role};
use lmdeploy::protocol::ChatMessage;
use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;

use super::ToolsMode;
use super::agents::ServedAgent;
use super::app::{App, unix_seconds};
use super::drive::{Scene, Stop, drive};
use super::failure::Failure;
use super::parked::ParkedRun;
use super::run::{Control, Run, RunName};
use super::sessions::Session;
use super::tenants::Tenant;
use crate::client::{RunStatus, Tuning};
use crate::run::{Event, FailReason, Machine, MachinePhase};

/// Number of hexadecimal digits in the name of a session for tools.
const SESSION_LENGTH: usize = 32;

/// A question that is ready to be asked.
#[derive(Debug)]
pub(super) struct Turn {
    scene: Scene,
    control: Control,
    /// Its place among the questions of its key.
    place: Place,
}

/// A place among the questions of a key, until this is dropped; absent without a limit.
pub(super) type Place = Option<OwnedSemaphorePermit>;

/// What a question is about, apart from its messages.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) tenant: Tenant,
    pub(super) agent: Arc<ServedAgent>,
    pub(super) tuning: Tuning,
    pub(super) mode: ToolsMode,
    /// The session as the request names it; null if the conversation is not kept.
    pub(super) session: Value,
}

/// Ends the run of a task, also when the task panics.
struct EndGuard {
    app: App,
    /// Absent once the run has ended or waits for its client.
    scene: Option<Scene>,
}

impl EndGuard {
    fn new(app: App, scene: &Scene) -> Self {
        Self { app, scene: Some(scene.clone()) }
    }

    fn end(mut self, stop: Stop) {
        if let Some(scene) = self.scene.take() {
            self.app.end(&scene, stop);
        }
    }
}

impl Drop for EndGuard {
    fn drop(&mut self) {
        if let Some(scene) = self.scene.take() {
            let failure = Failure::new(500, "the question failed by a fault of the server");
            self.app.end(&scene, Stop::Broken(failure));
        }
    }
}

impl Turn {
    /// Makes a run of a question that has its place.
    pub(super) fn new(app: &App, subject: Subject, place: Place) -> Self {
        let Subject { tenant, agent, tuning, mode, session } = subject;
        let name = RunName {
            id: app.runs.new_id(),
            agent: agent.name.clone(),
            created: unix_seconds(SystemTime::now()),
            session,
        };
        let session = name.id.clone();
        let (run, control) = Run::new(tenant.name, name);
        app.runs.insert(&run);
        Self { scene: Scene { agent, run, tuning, mode, session }, control, place }
    }

    /// The run, as other requests see it.
    pub(super) fn run(&self) -> &Arc<Run> {
        &self.scene.run
    }

    /// Asks the question in a session, after the questions before it.
    pub(super) fn ask_in(mut self, app: &App, session: Arc<Session>, messages: Vec<Message>) {
        self.scene.session = tool_session(&session.key);
        let (app, running) = (app.clone(), app.counts.run());
        tokio::spawn(async move {
            let _running = running;
            let guard = EndGuard::new(app.clone(), &self.scene);
            let stop = self.in_session(&app, &session, messages).await;
            app.sessions.touch(&session.key);
            // Before the answer: its client may ask the next question at once.
            drop((session, self.place.take()));
            guard.end(stop);
        });
    }

    async fn in_session(&mut self, app: &App, session: &Session, messages: Vec<Message>) -> Stop {
        let mut state = tokio::select! {
            biased;
            () = cancelled(&mut self.control) => return Stop::Failed(FailReason::Cancelled, None),
            state = session.machine.lock() => state,
        };
        self.scene.run.set_status(RunStatus::Running);
        if state.is_none() {
            match app.archive.load(&session.key, &self.scene.agent.machine).await {
                Ok(saved) => *state = saved,
                Err(failure) => return Stop::Broken(failure),
            }
        }
        let machine = state.get_or_insert_with(|| self.scene.agent.machine.clone());
        if machine.phase() == MachinePhase::Busy {
            // A fault of the server has left the last question open.
            machine.step(Event::Cancel);
        }
        let messages = remembered(&self.scene.agent, machine, messages);
        let stop = self.ask(machine, messages).await;
        match app.archive.save(&session.key, &self.scene.agent, machine).await {
            Ok(()) => stop,
            Err(failure) => Stop::Broken(failure),
        }
    }

    /// Asks the question outside of any session. `asked` is the request, which the client repeats when it sends the
    /// results of its own tool calls.
    pub(super) fn ask_alone(mut self, app: &App, messages: Vec<Message>, asked: Vec<ChatMessage>) {
        let (app, running) = (app.clone(), app.counts.run());
        tokio::spawn(async move {
            let _running = running;
            let guard = EndGuard::new(app, &self.scene);
            self.scene.run.set_status(RunStatus::Running);
            let mut machine = self.scene.agent.machine.clone();
            let stop = self.ask(&mut machine, messages).await;
            self.conclude(guard, stop, (machine, asked));
        });
    }

    /// Continues a parked run with the results of its calls.
    pub(super) fn resume(app: &App, parked: ParkedRun, resumed: Resumed) {
        let ParkedRun { scene, control, mut machine, .. } = parked;
        scene.run.set_status(RunStatus::Running);
        let mut turn = Self { scene, control, place: resumed.place };
        let (app, running) = (app.clone(), app.counts.run());
        tokio::spawn(async move {
            let _running = running;
            let guard = EndGuard::new(app, &turn.scene);
            let stop = drive(&mut machine, resumed.events, &turn.scene, &mut turn.control).await;
            turn.conclude(guard, stop, (machine, resumed.asked));
        });
    }

    async fn ask(&mut self, machine: &mut Machine, mut messages: Vec<Message>) -> Stop {
        let Scene { agent, session, .. } = &self.scene;
        if let Err(refusal) = agent.hooks.before_agent(session, &mut messages) {
            return Stop::Failed(FailReason::Refused { message: refusal.reason }, None);
        }
        drive(machine, [Event::Start { messages }], &self.scene, &mut self.control).await
    }

    /// Parks the run for its client's tools, or ends it.
    fn conclude(self, mut guard: EndGuard, stop: Stop, (machine, asked): (Machine, Vec<ChatMessage>)) {
        let Self { scene, control, place } = self;
        drop(place);
        let (calls, text) = match stop {
            Stop::Tools(calls, text) => (calls, text),
            other => return guard.end(other),
        };
        // From here on the run may continue on another task at any moment.
        guard.scene = None;
        let run = Arc::clone(&scene.run);
        let parked = ParkedRun { scene, control, machine, asked, calls, text };
        if let Some(dropped) = guard.app.parked.park(run.id(), parked) {
            guard.app.abandon(&dropped);
        }
        run.wait_for_tools();
        if (guard.app.is_draining() || run.is_cancelled())
            && let Some(late) = guard.app.parked.remove(&run.id())
        {
            guard.app.abandon(&late);
        }
    }
}

/// What a client has sent to continue a parked run.
#[derive(Debug)]
pub(super) struct Resumed {
    /// The results of the calls.
    pub(super) events: Vec<Event>,
    /// All messages of the request.
    pub(super) asked: Vec<ChatMessage>,
    /// Its place among the questions of its key.
    pub(super) place: Place,
}

/// A place for one more request of a run; status 503 while the server stops, 429 when the key has too many.
pub(super) fn place(app: &App, tenant: &Tenant) -> Result<Place, Failure> {
    if app.is_draining() {
        return Err(Failure::new(503, "the server is shutting down"));
    }
    tenant.place()
}

/// A place for a new question. It must be there before anything makes way for the question: one that is refused must
/// not cost another one its session.
pub(super) fn new_place(app: &App, tenant: &Tenant) -> Result<Place, Failure> {
    let place = place(app, tenant)?;
    app.make_room()?;
    Ok(place)
}

/// The question with what the agent remembers in front of it, where that is not the whole conversation; the machine
/// then begins anew.
fn remembered(agent: &ServedAgent, machine: &mut Machine, question: Vec<Message>) -> Vec<Message> {
    let Some(recent) = agent.recent else { return question };
    let history = machine.history();
    let begin = history.len().saturating_sub(recent);
    *machine = agent.machine.clone();
    // A result without its call would be refused by the model's server.
    let rest = history.into_iter().skip(begin).skip_while(|message| message.role == Role::Environment);
    rest.chain(question).collect()
}

/// The name of a session for tools and hooks. It may become the name of a folder, and clients choose keys.
fn tool_session(key: &str) -> String {
    let hash = hash::sha256(key);
    hash.get(..SESSION_LENGTH).unwrap_or(&hash).to_owned()
}

/// Waits until a client ends a run that has not begun.
async fn cancelled(control: &mut Control) {
    while let Some(event) = control.recv().await {
        if event == Event::Cancel {
            return;
        }
    }
}
